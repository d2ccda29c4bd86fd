// Curves over training in SVG: an axis of images, steps or epochs, phases in a strip above, a cursor that the scrubber moves.

import {compact, eachFrame, h, known, s} from "./dom.js";
import {words} from "./words.js";

const LEFT = 40, RIGHT = 10, STRIP = 15, BOTTOM = 20, MOST_LINES = 8;

export function ticks(low, high, about = 5) {
  const span = high - low || 1, raw = span / about, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? 10 * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + 1e-9 * span; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

export function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of [1, 3]) { const at = factor * 10 ** power; if (at >= low * 0.999 && at <= high * 1.001) found.push(at); }
  return found;
}

// "M x y L x y", with a gap where a number is missing
export function path(xs, ys, steps = false) {
  let text = "", pen = false, before = null;
  xs.forEach((x, i) => {
    if (!known(ys[i]) || !known(x)) { pen = false; return; }
    if (pen && steps) text += `L${x.toFixed(1)} ${before.toFixed(1)}`;
    text += `${pen ? "L" : "M"}${x.toFixed(1)} ${ys[i].toFixed(1)}`;
    before = ys[i];
    pen = true;
  });
  return text;
}

export function area(xs, lows, highs) {
  const at = xs.map((_, i) => i).filter((i) => known(lows[i]) && known(highs[i]));
  if (!at.length) return "";
  const up = at.map((i) => `${xs[i].toFixed(1)} ${highs[i].toFixed(1)}`), down = at.map((i) => `${xs[i].toFixed(1)} ${lows[i].toFixed(1)}`).reverse();
  return `M${up.join("L")}L${down.join("L")}Z`;
}

// which of `xs` lies nearest to a pixel
export function nearest(xs, pixel) {
  return xs.reduce((best, x, i) => (Math.abs(x - pixel) < Math.abs(xs[best] - pixel) ? i : best), 0);
}

// borders of the stretches that snapshots stand for: half way between neighbours, closed at both ends
export function edgesOf(xs) {
  return xs.length === 1 ? [xs[0], xs[0] + 4] : [xs[0], ...xs.slice(1).map((x, i) => (x + xs[i]) / 2), xs[xs.length - 1]];
}

// stretches of equal phases as boxes with their letter
export function phaseStrip(xs, phases, y, height) {
  const edges = edgesOf(xs), boxes = [];
  for (let first = 0, i = 1; i <= phases.length; i++) {
    if (i < phases.length && phases[i] === phases[first]) continue;
    const phase = phases[first], width = Math.max(edges[i] - edges[first], 0.5);
    if (phase) boxes.push(
      s("rect", {x: edges[first], y, width, height, class: `phase-${phase}`}, s("title", phase === "undecided" ? phase : `phase ${phase}`)),
      phase !== "undecided" && width > 11 ? s("text.letter", {x: edges[first] + width / 2, y: y + height / 2}, phase) : null,
    );
    first = i;
  }
  return boxes.filter(Boolean);
}

// A chart of `lines` over `x` (one number a snapshot).
//   terms: words that are explained; lines: {name, y, low, high, colour, dash, area: [lows, highs], raw: what y is smoothed of};
//   strips: {name, phases}; mesh: {edges, columns: [[{fill, title}]], names: {name: colour}}, cells between edges of y
//   of: the index in x of each snapshot, if x has others too; pick(index): the snapshot that was pointed at
export class Chart {
  constructor({key = null, title, note = "", terms = [], height = 190, log = false, domain = null, format = (value) => String(value), pick}) {
    Object.assign(this, {height, log, domain, format, pick, data: null, at: 0, all: false});
    this.svg = s("svg.chart", {role: "img", "aria-label": title});
    this.note = h("span.note", note);
    this.legend = h("div.legend");
    this.more = h("button", {type: "button", hidden: true, "aria-expanded": "false", onclick: () => { this.all = !this.all; this.draw(); }});
    this.root = h("figure.panel", {"data-key": key}, h("figcaption", h("h2", title), this.note, terms.length ? words(terms) : null), this.legend, this.more, this.svg);
    const redraw = eachFrame(() => this.draw());
    this.observer = new ResizeObserver(redraw);
    this.observer.observe(this.svg);
    const point = (event) => { const at = nearest(this.xs ?? [0], event.offsetX); if (event.buttons && this.xs?.length && this.pick) this.pick(this.data.of ? nearest(this.data.of, at) : at); };
    this.svg.addEventListener("pointerdown", (event) => { this.svg.setPointerCapture(event.pointerId); point(event); });
    this.svg.addEventListener("pointermove", point);
  }

  // what was not recorded has no panel
  show(data) {
    this.data = data;
    if (data.note !== undefined) this.note.textContent = data.note;
    if (data.mesh) this.domain = [data.mesh.edges[0], data.mesh.edges.at(-1)];
    this.root.hidden = !(data.mesh || data.strips?.length || data.lines.some((line) => line.area || line.y.some(known)));
    this.draw();
  }

  draw() {
    const width = this.svg.clientWidth, {data} = this;
    if (!data || !width) return;
    const lines = this.shown(data.lines.filter((line) => line.area || line.y.some(known))), strips = data.strips ?? [], top = 6 + strips.length * (STRIP + 3), plain = lines.length || data.mesh;
    const whole = plain ? this.height : top + BOTTOM, bottom = whole - BOTTOM;
    this.svg.setAttribute("height", whole);
    const last = data.x[data.x.length - 1] ?? 1, first = data.x[0] ?? 0;
    const toX = (value) => LEFT + ((value - first) / (last - first || 1)) * (width - LEFT - RIGHT);
    const values = lines.flatMap((line) => (line.area ? [] : [...line.y, ...(line.raw ?? []), ...(line.low ?? []), ...(line.high ?? [])])).filter((value) => known(value) && (!this.log || value > 0));
    let [low, high] = this.domain ?? [Math.min(...values), Math.max(...values)];
    if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [this.log ? 1 : 0, this.log ? 10 : 1];
    if (this.log) [low, high] = [low / 1.15, high * 1.15];
    const scale = this.log ? Math.log10 : (value) => value;
    const inside = (value) => (this.domain ? Math.min(Math.max(value, low), high) : value);
    const toY = (given) => { const value = known(given) ? inside(given) : given; return known(value) && (!this.log || value > 0) ? bottom - ((scale(value) - scale(low)) / (scale(high) - scale(low) || 1)) * (bottom - top) : null; };
    this.xs = data.x.map(toX);
    const shapes = [];
    for (const tick of !plain ? [] : this.log ? logTicks(low, high) : ticks(low, high, 4)) shapes.push(
      s("line.grid", {x1: LEFT, x2: width - RIGHT, y1: toY(tick), y2: toY(tick)}), s("text.y", {x: LEFT - 5, y: toY(tick)}, this.format(tick)));
    for (const tick of ticks(first, last, width < 420 ? 3 : 6)) shapes.push(s("text.x", {x: toX(tick), y: whole - 5}, compact(tick)));
    const edges = edgesOf(this.xs);
    data.mesh?.columns.forEach((cells, i) => cells.forEach(({fill, title}, level) => {
      const [under, above] = [toY(data.mesh.edges[level]), toY(data.mesh.edges[level + 1])];
      shapes.push(s("rect", {x: edges[i], y: above, width: Math.max(edges[i + 1] - edges[i], 0.5) + 0.3, height: under - above + 0.3, fill}, s("title", title)));
    }));
    for (const line of lines) {
      if (line.area) shapes.push(s("path", {d: area(this.xs, line.area[0].map(toY), line.area[1].map(toY)), fill: line.colour, class: "filled"}));
      else {
        if (line.low) shapes.push(s("path", {d: area(this.xs, line.low.map(toY), line.high.map(toY)), fill: line.colour, class: "interval"}));
        if (line.raw) shapes.push(s("path.line.faint", {d: path(this.xs, line.raw.map(toY)), stroke: line.colour, "stroke-width": 1}));
        shapes.push(s("path.line", {d: path(this.xs, line.y.map(toY)), stroke: line.colour, "stroke-dasharray": line.dash, "stroke-width": line.thin ? 0.8 : line.dash ? 1.3 : 2}));
      }
    }
    strips.forEach((strip, i) => {
      const y = 2 + i * (STRIP + 3);
      shapes.push(s("g", s("title", strip.name), phaseStrip(this.xs, strip.phases, y, STRIP)));
    });
    this.cursor = s("line.cursor", {y1: 0, y2: bottom});
    this.svg.setAttribute("viewBox", `0 0 ${width} ${whole}`);
    this.svg.replaceChildren(...shapes, this.cursor);
    const named = strips.map(({name, phases}) => ({name, y: phases, format: String, area: true, colour: "none"}));
    const cells = Object.entries(data.mesh?.names ?? {}).map(([name, colour]) => ({name, colour, area: true, y: data.mesh.columns.map((column) => column.filter(({title}) => title === name).length), format: String}));
    this.entries = [...named, ...lines, ...cells].filter((line) => line.name).map((line) => {
      const value = h("output");
      return {line, value, root: h("span", {title: line.title}, swatch(line), line.name, value)};
    });
    this.legend.replaceChildren(...this.entries.map((entry) => entry.root));
    this.move(this.at);
  }

  // a few lines can be told apart; the others come when they are asked for
  shown(lines) {
    const beyond = lines.length - MOST_LINES, over = beyond > 0 && !lines.some((line) => line.area);
    this.more.hidden = !over;
    this.more.textContent = this.all ? `show ${MOST_LINES} lines` : `show ${beyond} more lines`;
    this.more.setAttribute("aria-expanded", this.all);
    return over && !this.all ? lines.slice(0, MOST_LINES) : lines;
  }

  // the cursor, and the numbers beside the names, go to snapshot `index`; with null there is none, and the last ones are told
  move(index) {
    this.at = index;
    const at = this.data?.of?.[index] ?? index, x = this.xs?.[at];
    if (!this.cursor || (x === undefined && index !== null)) return;
    this.cursor.toggleAttribute("hidden", index === null);
    this.cursor.setAttribute("x1", x ?? 0);
    this.cursor.setAttribute("x2", x ?? 0);
    for (const {line, value} of this.entries) {
      const number = index === null ? line.y.findLast(known) : line.y[at];
      value.textContent = known(number) ? (line.format ?? this.format)(number) : "–";
    }
  }

  close() { this.observer.disconnect(); }
}

export function swatch(line) {
  const shape = line.area ? s("rect", {width: 16, height: 10, fill: line.colour}) : s("line", {x1: 0, x2: 16, y1: 5, y2: 5, stroke: line.colour, "stroke-width": 2.4, "stroke-dasharray": line.dash});
  return s("svg.swatch", {width: 16, height: 10, "aria-hidden": true}, shape);
}
