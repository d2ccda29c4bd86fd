// Label space at one snapshot: in each cell of it the share of images that are correct, and their error.

import {ticks} from "./charts.js";
import {ARROWS, eachFrame, fixed, h, integer, known, percent, s} from "./dom.js";

const LEFT = 40, RIGHT = 8, TOP = 8, AXIS = 32, BAR = 10, NUMBERS = 16, MOST = 300, STRIP = 44;
const short = (value) => String(Number(value.toPrecision(3))).replace("-", "−");
const KEYS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export class LabelSpace {
  // details: see details.py
  constructor({factors, axes, label_space: space, names}) {
    Object.assign(this, {space, factors: axes.map((k) => factors[k]), words: ["", ...space.held_out.map((split) => names.splits[split] ?? split)], cells: null, at: null});
    const {most, unit} = space.error, of = axes.length > 1 ? "the larger of the two factors’ absolute errors" : "absolute errors";
    this.inUnit = (text) => `${text} ${unit}`.trimEnd();
    this.maps = [
      this.map("share", {words: "correct images", told: ({right, n}) => `${percent(right)} of ${integer(n.reduce((sum, some) => sum + some, 0))}`, end: percent}),
      this.map("error", {words: "median error", told: ({off}) => (known(off) ? this.inUnit(fixed(off)) : "none read"), end: (share) => `${share < 1 ? "" : "≥ "}${short(share * most)}`})];
    this.said = h("p.note.said", {"aria-live": "polite"});
    this.root = h("figure.panel.labelspace",
      h("figcaption", h("h2", "Label space"), h("span.note", `all images of the snapshot by their labels; error: median of ${of}, colours end at ${this.inUnit(short(most))}${space.held_out.length ? "; outlined: held out" : ""}`)),
      h("div.maps", this.maps.map(({svg, title}) => h("div", title, svg))), this.said);
    this.observer = new ResizeObserver(eachFrame(() => this.draw()));
    this.observer.observe(this.maps[0].svg);
  }

  // words of a map, what it tells of all images, and the numbers along its colours
  map(name, told) {
    const svg = s("svg.chart", {role: "img", tabindex: 0, "data-keys": ARROWS, "data-map": name}), title = h("p.note");
    svg.addEventListener("pointermove", (event) => this.point(svg, event));
    svg.addEventListener("pointerdown", (event) => this.point(svg, event));
    svg.addEventListener("pointerleave", () => { if (document.activeElement !== svg) this.go(null); });
    svg.addEventListener("focus", () => { if (!this.at) this.go([0, 0]); });
    svg.addEventListener("blur", () => this.go(null));
    svg.addEventListener("keydown", (event) => {
      const [right, down] = KEYS[event.key] ?? [];
      if (right === undefined || !this.at) return;
      event.preventDefault();
      this.go([this.at[0] + right, this.at[1] + down]);
    });
    return {name, svg, title, ...this.space[name], ...told};
  }

  // cells: see cells.py; null where no images are stored
  show(cells) {
    this.cells = cells;
    this.root.hidden = !cells;
    this.draw();
  }

  get columns() { return this.cells.n.length / this.cells.rows; }

  // what of the space a column or a row holds
  stretch(k, index) {
    const {low, high} = this.factors[k], count = k ? this.cells.rows : this.columns;
    return [low + (index / count) * (high - low), low + ((index + 1) / count) * (high - low)];
  }

  draw() {
    const {cells, factors: [, down]} = this, width = this.maps[0].svg.clientWidth;
    if (!cells || !width) return;
    const wide = Math.min(width - LEFT - RIGHT, MOST), high = down ? wide : STRIP;
    this.size = [wide / this.columns, high / cells.rows];
    for (const map of this.maps) this.drawMap(map, width, wide, high);
    this.go(this.at);
  }

  drawMap({name, svg, title, most, colours, words, told, end}, width, wide, high) {
    const {cells, factors: [across, down]} = this, bottom = TOP + high, bar = bottom + AXIS, whole = bar + BAR + NUMBERS, step = wide / colours.length;
    const along = (factor, from, length) => ticks(factor.low, factor.high, 4).map((value) => [value, from + ((value - factor.low) / (factor.high - factor.low)) * length]);
    title.textContent = `${words}: ${told(cells)}`;
    svg.setAttribute("aria-label", `${words} by ${this.factors.map((factor) => factor.name).join(" and ")}: ${told(cells)} over all; arrow keys tell each cell`);
    svg.setAttribute("height", whole);
    svg.setAttribute("viewBox", `0 0 ${width} ${whole}`);
    const boxes = cells[name].map((value, i) => known(value) && s("rect", {"data-cell": i, "data-value": value, ...this.box(i), fill: colours[Math.round(Math.min(value / most, 1) * (colours.length - 1))]}));
    svg.replaceChildren(
      s("rect.ground", {x: LEFT, y: TOP, width: wide, height: high}), ...boxes.filter(Boolean), ...["seam", "border"].map((kind) => s(`path.${kind}`, {d: this.borders()})),
      ...along(across, LEFT, wide).map(([value, x]) => s("text.x", {x, y: bottom + 13}, short(value))), s("text.x", {x: LEFT + wide / 2, y: bottom + 25}, across.words),
      ...(down ? [...along(down, TOP, high).map(([value, y]) => s("text.y", {x: LEFT - 4, y}, short(value))), s("text.name", {transform: `translate(9 ${TOP + high / 2}) rotate(-90)`}, down.words)] : []),
      ...colours.map((fill, i) => s("rect", {x: LEFT + i * step, y: bar, width: step + 0.4, height: BAR, fill})),
      ...["first", "middle", "last"].map((place, i) => s(`text.x.${place}`, {x: LEFT + (i / 2) * wide, y: bar + BAR + 12}, end(i / 2))),
      s("rect.cursor", {hidden: true}));
  }

  box(i) {
    const [width, height] = this.size;
    return {x: LEFT + (i % this.columns) * width, y: TOP + Math.floor(i / this.columns) * height, width, height};
  }

  // between cells of different sets, and around the held-out ones at the rim
  borders() {
    const {cells: {held, rows}, columns, size: [width, height]} = this, of = (c, r) => (c < 0 || r < 0 || c === columns || r === rows ? 0 : held[r * columns + c]), lines = [];
    for (let r = 0; r <= rows; r++)
      for (let c = 0; c <= columns; c++) {
        const from = `M${(LEFT + c * width).toFixed(1)} ${(TOP + r * height).toFixed(1)}`;
        if (of(c - 1, r) !== of(c, r)) lines.push(`${from}v${height.toFixed(1)}`);
        if (of(c, r - 1) !== of(c, r)) lines.push(`${from}h${width.toFixed(1)}`);
      }
    return lines.join("");
  }

  point(svg, event) {
    if (!this.cells) return;
    const {left, top} = svg.getBoundingClientRect(), at = [(event.clientX - left - LEFT) / this.size[0], (event.clientY - top - TOP) / this.size[1]].map(Math.floor);
    const within = at[0] >= 0 && at[1] >= 0 && at[0] < this.columns && at[1] < this.cells.rows;
    this.go(within ? at : null);
  }

  // to a cell, [column, row], as near as there is one; null to none
  go(at) {
    const {cells} = this;
    if (!cells) return;
    this.at = at && [[at[0], this.columns], [at[1], cells.rows]].map(([index, count]) => Math.min(Math.max(index, 0), count - 1));
    const i = this.at && this.at[1] * this.columns + this.at[0];
    for (const {svg} of this.maps) {
      const cursor = svg.querySelector(".cursor");
      cursor?.toggleAttribute("hidden", !this.at);
      if (this.at) for (const [name, value] of Object.entries(this.box(i))) cursor?.setAttribute(name, value);
    }
    this.said.textContent = this.at ? this.tell(i) : "Point at a cell for its numbers.";
  }

  tell(i) {
    const {cells} = this, n = cells.n[i], held = this.words[cells.held[i]];
    const place = this.factors.map((factor, k) => `${factor.name} ${this.stretch(k, this.at[k]).map((value) => fixed(value, 1)).join(" to ")}${factor.unit ? ` ${factor.unit}` : ""}`).join(", ");
    const found = n ? `${integer(n)} ${n === 1 ? "image" : "images"}, ${percent(cells.share[i])} correct, median error ${known(cells.error[i]) ? this.inUnit(fixed(cells.error[i])) : "not read"}` : "no images";
    return `${place}${held ? ` (${held})` : ""}: ${found}.`;
  }

  close() { this.observer.disconnect(); }
}
