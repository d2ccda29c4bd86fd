// Label space at one snapshot: in each cell of it the share of images that are right, and how far off they are.

import {ticks} from "./charts.js";
import {compact, eachFrame, fixed, h, integer, known, percent, s} from "./dom.js";

const LEFT = 34, RIGHT = 8, TOP = 8, AXIS = 32, BAR = 10, NUMBERS = 16, MOST = 300, STRIP = 44;
const KEYS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export class LabelSpace {
  // details: see details.py
  constructor({factors, axes, label_space: space, names}) {
    Object.assign(this, {space, factors: axes.map((k) => factors[k]), words: ["", ...space.held_out.map((split) => names.splits[split] ?? split)], cells: null, at: null});
    this.maps = ["share", "error"].map((name) => this.map(name));
    this.said = h("p.note.said", {"aria-live": "polite"});
    const {most, unit} = space.error, of = axes.length > 1 ? "the larger of the two factors’ absolute errors" : "absolute errors";
    this.root = h("figure.panel.labelspace",
      h("figcaption", h("h3", "Label space"), h("span.note", `all images of the snapshot by their labels; error: median of ${of}, colours end at ${compact(most)} ${unit}${space.held_out.length ? "; outlined: held out" : ""}`)),
      h("div.maps", this.maps.map(({svg, title}) => h("div", title, svg))), this.said);
    this.observer = new ResizeObserver(eachFrame(() => this.draw()));
    this.observer.observe(this.maps[0].svg);
  }

  map(name) {
    const svg = s("svg.chart", {role: "img", tabindex: 0, "data-keys": true, "data-map": name}), title = h("p.note");
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
    return {name, svg, title, ...this.space[name]};
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
    const {cells, factors: [across, down]} = this, width = this.maps[0].svg.clientWidth;
    if (!cells || !width) return;
    const wide = Math.min(width - LEFT - RIGHT, MOST), high = down ? wide : STRIP;
    Object.assign(this, {size: [wide / this.columns, high / cells.rows]});
    for (const {name, svg, title, most, unit, colours} of this.maps) {
      const number = (value) => (name === "share" ? percent(value) : `${fixed(value)} ${unit}`.trimEnd()), words = name === "share" ? "images right" : "median error";
      const told = name === "share" ? `${percent(cells.right)} of ${integer(cells.n.reduce((sum, n) => sum + n, 0))}` : known(cells.off) ? number(cells.off) : "none read";
      const whole = TOP + high + AXIS + BAR + NUMBERS, toX = (value) => LEFT + ((value - across.low) / (across.high - across.low)) * wide, toY = (value) => TOP + ((value - down.low) / (down.high - down.low)) * high;
      title.textContent = `${words}: ${told}`;
      svg.setAttribute("aria-label", `${words} by ${this.factors.map((factor) => factor.name).join(" and ")}: ${told} over all; arrow keys tell each cell`);
      svg.setAttribute("height", whole);
      svg.setAttribute("viewBox", `0 0 ${width} ${whole}`);
      const boxes = cells[name].map((value, i) => [value, i]).filter(([value]) => known(value)).map(([value, i]) =>
        s("rect", {"data-cell": i, "data-value": value, ...this.box(i), fill: colours[Math.round(Math.min(value / most, 1) * (colours.length - 1))]}));
      const top = TOP + high + AXIS, step = wide / colours.length;
      svg.replaceChildren(
        s("rect.ground", {x: LEFT, y: TOP, width: wide, height: high}), ...boxes, ...["seam", "border"].map((kind) => s(`path.${kind}`, {d: this.borders()})),
        ...ticks(across.low, across.high, 4).map((value) => s("text.x", {x: toX(value), y: TOP + high + 13}, compact(value))), s("text.x", {x: LEFT + wide / 2, y: TOP + high + 25}, across.words),
        ...(down ? [...ticks(down.low, down.high, 4).map((value) => s("text.y", {x: LEFT - 4, y: toY(value)}, compact(value))), s("text.name", {transform: `translate(9 ${TOP + high / 2}) rotate(-90)`}, down.words)] : []),
        ...colours.map((fill, i) => s("rect", {x: LEFT + i * step, y: top, width: step + 0.4, height: BAR, fill})),
        ...["first", "middle", "last"].map((place, i) => [place, i / 2]).map(([place, share]) => s(`text.x.${place}`, {x: LEFT + share * wide, y: top + BAR + 12}, name === "share" ? percent(share) : share < 1 ? compact(share * most) : `≥ ${compact(most)} ${unit}`.trimEnd())),
        s("rect.cursor", {hidden: true}));
    }
    this.go(this.at);
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
    const {cells, space: {error: {unit}}} = this, n = cells.n[i], held = this.words[cells.held[i]];
    const place = this.factors.map((factor, k) => `${factor.name} ${this.stretch(k, this.at[k]).map((value) => fixed(value, 1)).join(" to ")}${factor.unit ? ` ${factor.unit}` : ""}`).join(", ");
    const found = n ? `${integer(n)} ${n === 1 ? "image" : "images"}, ${percent(cells.share[i])} right, median error ${known(cells.error[i]) ? `${fixed(cells.error[i])} ${unit}`.trimEnd() : "not read"}` : "no images";
    return `${place}${held ? ` (${held})` : ""}: ${found}.`;
  }

  close() { this.observer.disconnect(); }
}
