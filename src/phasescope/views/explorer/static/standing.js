// The reference denoiser that the network is closest to: by noise level over training, and at one snapshot its error beside
// the exact ones.

import {Chart, edgesOf, nearest, ticks} from "./charts.js";
import {joined} from "./compare.js";
import {compact, eachFrame, fixed, h, s} from "./dom.js";
import {words} from "./words.js";

const LEFT = 40, RIGHT = 10, TOP = 6, BOTTOM = 20, HEIGHT = 210, MOST = 1.1;

export class Standing {
  constructor({ladder, pick}) {
    Object.assign(this, {ladder, pick, at: 0, lines: []});
    this.rungs = s("svg.chart", {role: "img", height: HEIGHT, "aria-label": "closest reference denoiser by noise level over training"});
    this.errors = new Chart({title: "Error of x₀ over the variance", note: "by noise level t", height: HEIGHT, domain: [0, MOST], format: (value) => fixed(value)});
    this.said = h("p.note");
    this.counts = Object.fromEntries(Object.keys(ladder.colours).map((name) => [name, h("output")]));
    this.root = h("div", h("figure.panel.standing",
      h("figcaption", h("h2", "Closest reference denoiser"), h("span.note", "whose x₀ the network’s is nearest to, at each noise level t, blank where it is far from all"), words(["ladder"])),
      h("div.legend", Object.entries(this.counts).map(([name, count]) => h("span", {title: "at how many noise levels"}, h("i.square", {style: {"--outcome": ladder.colours[name]}}), name, count))),
      this.rungs, this.said), this.errors.root);
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
    this.move(this.at);
  }

  move(index) {
    this.at = index;
    const {ladder: {levels, t, errors, colours}} = this, at = this.xs?.[index], own = this.lines[index]?.ladder;
    if (!this.cursor) return;
    this.cursor.toggleAttribute("hidden", at === undefined);
    this.cursor.setAttribute("x1", at ?? 0);
    this.cursor.setAttribute("x2", at ?? 0);
    const x = [...new Set([...t, ...levels])].sort((a, b) => a - b), over = (keys, values) => joined(x, new Map(keys.map((key, i) => [key, values[i]])));
    this.errors.show({x, unit: "t", lines: [...Object.entries(errors).map(([name, each]) => ({name, y: over(t, each), colour: colours[name]})), ...(own ? [{name: "the network", y: over(levels, own.map(([, , error]) => error)), colour: "var(--ink)", dash: "3 3"}] : [])]});
    this.errors.move(null);
    for (const [name, count] of Object.entries(this.counts)) count.textContent = own ? String(own.filter(([rung]) => rung === name).length) : "–";
    this.said.textContent = own ? stretches(own, levels) : "No reference denoiser was compared at this snapshot.";
  }

  close() { this.observer.disconnect(); this.errors.close(); }
}

// "Wiener at t = 0 to 208; label at ...": neighbouring levels with the same closest denoiser are written once
function stretches(own, levels) {
  const found = [];
  own.forEach(([rung], level) => {
    if (found.length && found[found.length - 1].rung === rung) found[found.length - 1].to = levels[level];
    else found.push({rung, from: levels[level], to: levels[level]});
  });
  return found.map(({rung, from, to}) => `${rung} at t = ${from === to ? from : `${from} to ${to}`}`).join("; ") + ".";
}
