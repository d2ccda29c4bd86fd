// The rung of the ladder of exact optima on which the network stands: by noise level over training, and at one snapshot
// its error beside the exact ones.

import {edgesOf, nearest, ticks} from "./charts.js";
import {compact, eachFrame, fixed, h, known, s} from "./dom.js";
import {words} from "./words.js";

const LEFT = 40, RIGHT = 10, TOP = 6, BOTTOM = 20, HEIGHT = 210, MOST = 1.1;

export class Standing {
  constructor({ladder, pick}) {
    Object.assign(this, {ladder, pick, at: 0, lines: []});
    this.rungs = s("svg.chart", {role: "img", height: HEIGHT, "aria-label": "rung by noise level over training"});
    this.errors = s("svg.chart", {role: "img", height: HEIGHT, "aria-label": "error of the network beside the exact ones"});
    this.said = h("p.note");
    this.counts = Object.fromEntries(Object.keys(ladder.colours).map((name) => [name, h("output")]));
    this.root = h("figure.panel.standing",
      h("figcaption", h("h2", "Where on the ladder"), h("span.note", "the exact optimum that its x₀ is nearest to, at each noise level t, blank where it is far from all; right: error of x₀ over the variance, dots the network’s"), words(["ladder"])),
      h("div.legend", Object.entries(this.counts).map(([name, count]) => h("span", {title: "at how many noise levels"}, h("i.square", {style: {"--outcome": ladder.colours[name]}}), name, count))),
      h("div.pairofcharts", this.rungs, this.errors), this.said);
    const redraw = eachFrame(() => this.draw());
    this.observer = new ResizeObserver(redraw);
    this.observer.observe(this.rungs);
    const point = (event) => { if (event.buttons && this.xs?.length) this.pick(nearest(this.xs, event.offsetX)); };
    this.rungs.addEventListener("pointerdown", (event) => { this.rungs.setPointerCapture(event.pointerId); point(event); });
    this.rungs.addEventListener("pointermove", point);
  }

  show(lines, unit) { Object.assign(this, {lines, unit}); this.draw(); }

  draw() {
    const width = this.rungs.clientWidth, {lines, unit, ladder} = this, bottom = HEIGHT - BOTTOM;
    if (!width || !lines.length) return;
    const x = lines.map((line) => line[unit]), first = x[0], last = x[x.length - 1];
    const toX = (value) => LEFT + ((value - first) / (last - first || 1)) * (width - LEFT - RIGHT);
    this.xs = x.map(toX);
    const edges = edgesOf(this.xs);
    const {levels} = ladder, half = levels.length > 1 ? (levels[1] - levels[0]) / 2 : 1, highest = levels[levels.length - 1] + half;
    const toY = (t) => bottom - (t / highest) * (bottom - TOP);
    const boxes = lines.flatMap(({ladder: own}, i) => (own ?? []).map(([rung, r2], level) => {
      const y = toY(levels[level] + half);
      return s("rect", {x: edges[i], y, width: Math.max(edges[i + 1] - edges[i], 0.5) + 0.3, height: toY(levels[level] - half) - y + 0.3, fill: ladder.colours[rung] ?? "none"},
        s("title", `t = ${levels[level]}: ${rung}, r² ${fixed(r2)}`));
    }));
    this.cursor = s("line.cursor", {y1: 0, y2: bottom});
    this.rungs.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.rungs.replaceChildren(...boxes, ...ticks(0, highest, 4).map((t) => s("text.y", {x: LEFT - 5, y: toY(t)}, compact(t))),
      ...ticks(first, last, 4).map((at) => s("text.x", {x: toX(at), y: HEIGHT - 5}, compact(at))), this.cursor);
    this.drawErrors(highest);
    this.move(this.at);
  }

  drawErrors(highest) {
    const width = this.errors.clientWidth, {ladder} = this, bottom = HEIGHT - BOTTOM;
    this.toPlace = (t, error) => [LEFT + (t / highest) * (width - LEFT - RIGHT), bottom - (Math.min(Math.max(error, 0), MOST) / MOST) * (bottom - TOP)];
    const at = (t, error) => this.toPlace(t, error).map((value) => value.toFixed(1)).join(" ");
    this.dots = s("g");
    this.errors.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.errors.replaceChildren(
      ...[0, 0.5, 1].flatMap((error) => { const [, y] = this.toPlace(0, error); return [s("line.grid", {x1: LEFT, x2: width - RIGHT, y1: y, y2: y}), s("text.y", {x: LEFT - 5, y}, String(error))]; }),
      ...ticks(0, highest, 4).map((t) => s("text.x", {x: this.toPlace(t, 0)[0], y: HEIGHT - 5}, compact(t))),
      ...Object.entries(ladder.errors).map(([rung, errors]) => s("path.line", {d: `M${errors.map((error, i) => at(ladder.t[i], error)).join("L")}`, stroke: ladder.colours[rung], "stroke-width": 1.6})), this.dots);
  }

  move(index) {
    this.at = index;
    const x = this.xs?.[index], own = this.lines[index]?.ladder;
    if (!this.cursor) return;
    this.cursor.toggleAttribute("hidden", x === undefined);
    this.cursor.setAttribute("x1", x ?? 0);
    this.cursor.setAttribute("x2", x ?? 0);
    this.dots.replaceChildren(...(own ?? []).filter(([, , error]) => known(error)).map(([, , error], level) => {
      const [cx, cy] = this.toPlace(this.ladder.levels[level], error);
      return s("circle", {cx, cy, r: 2.6, fill: "var(--ink)"});
    }));
    for (const [name, count] of Object.entries(this.counts)) count.textContent = own ? String(own.filter(([rung]) => rung === name).length) : "–";
    this.said.textContent = own ? stretches(own, this.ladder.levels) : "No rung was told at this snapshot.";
  }

  close() { this.observer.disconnect(); }
}

// "Wiener up to t = 208, label above": neighbouring levels on the same rung are told once
function stretches(own, levels) {
  const found = [];
  own.forEach(([rung], level) => {
    if (found.length && found[found.length - 1].rung === rung) found[found.length - 1].to = levels[level];
    else found.push({rung, from: levels[level], to: levels[level]});
  });
  return found.map(({rung, from, to}) => `${rung} at t = ${from === to ? from : `${from} to ${to}`}`).join("; ") + ".";
}
