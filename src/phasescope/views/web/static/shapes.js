// @ts-check
// The shapes of a chart, in per cent of its sides: strips of phases, lines with intervals, areas, meshes.

import {axisOf, edgesOf} from "./axes.js";
import {h, known} from "./html.js";

const NARROWEST = 4;

// indices of the points that have a place
const placed = places => places.map((_, i) => i).filter(i => known(places[i]));

const inside = place => Math.min(Math.max(place, 0), 100);

// A bar of phases, each solid from its first to its last snapshot. Between two snapshots of different phases
// it is hatched in the colours of both: the change lies somewhere there. `places` in per cent.
export function phaseStrip(name, read, places) {
  const there = placed(places);
  const phases = there.map(i => read[i]);
  const xs = there.map(i => places[i]);
  const edges = edgesOf(xs);
  const starts = phases.map((_, i) => i).filter(i => !i || phases[i] !== phases[i - 1]);
  const change = first => {
    const [before, after] = [phases[first - 1], phases[first]];
    const style = {
      left: `${xs[first - 1]}%`,
      width: `${xs[first] - xs[first - 1]}%`,
      "--before": `var(--phase-${before})`,
      "--after": `var(--phase-${after})`
    };
    return before && after && h("span.between", {style, title: `${name}: from ${before} to ${after}`});
  };
  const box = (first, k) => {
    const phase = phases[first];
    const last = (starts[k + 1] ?? phases.length) - 1;
    const isWide = edges[last + 1] - edges[first] > NARROWEST;
    const [left, right] = [xs[first], xs[last]].map(inside);
    // beyond the stretch that is zoomed to
    if (xs[last] < 0 || xs[first] > 100) return null;
    const style = {left: `${left}%`, width: `${right - left}%`};
    const side =
      first === last ? `.at-${first === 0 ? "start" : last === xs.length - 1 ? "end" : "once"}` : "";
    const letter = phase !== "undecided" && isWide && phase;
    const room = isWide ? ".roomy" : "";
    return phase && h(`span.phase-${phase}${side}${room}`, {style, title: `${name}: ${phase}`}, letter);
  };
  return h("div.strip", {"aria-hidden": "true"}, starts.slice(1).map(change), starts.map(box));
}

// "M x y L x y", with a gap where a number is missing
function path(xs, ys) {
  const isThere = i => known(xs[i]) && known(ys[i]);
  const point = (x, i) => isThere(i) && `${isThere(i - 1) ? "L" : "M"}${x.toFixed(2)} ${ys[i].toFixed(2)}`;
  return xs.map(point).filter(Boolean).join("");
}

function area(xs, lows, highs) {
  const there = xs.map((_, i) => i).filter(i => known(xs[i]) && known(lows[i]) && known(highs[i]));
  if (!there.length) return "";
  const points = (ys, indices) => indices.map(i => `${xs[i].toFixed(2)} ${ys[i].toFixed(2)}`).join("L");
  return `M${points(highs, there)}L${points(lows, there.reverse())}Z`;
}

// The y axis of lines at the points `seen`; what lies beyond a fixed domain is drawn at its end.
export function scaleOf({log, domain, mesh}, lines, seen) {
  const valuesOf = ({y, low = [], high = []}) => seen.flatMap(i => [y[i], low[i], high[i]]);
  const usable = lines.flatMap(valuesOf).filter(value => known(value) && (!log || value > 0));
  const ends = mesh ? [mesh.edges[0], mesh.edges.at(-1)] : domain;
  let [low, high] = ends ?? [Math.min(...usable), Math.max(...usable)];
  if (low > high) [low, high] = [1, 10];
  if (low === high && !log) [low, high] = [Math.min(2 * low, 0), Math.max(2 * low, 0) || 1];
  if (log) [low, high] = [low / 1.15, high * 1.15];

  const axis = axisOf(low, high, {isLog: log});
  const place = value => {
    const inside = ends && known(value) ? Math.min(Math.max(value, low), high) : value;
    const at = axis.place(inside);
    return known(at) ? 100 - at : null;
  };
  return {place, ticks: axis.ticks};
}

export function shapesOf(line, xs, place) {
  if (line.area) return h("path", {d: area(xs, ...line.area.map(ys => ys.map(place))), fill: line.colour});
  const {y, raw, low, high, colour, dash, thin} = line;
  const width = thin ? 0.8 : dash ? 1.3 : 2;
  const stroke = {stroke: colour, "stroke-dasharray": dash, "stroke-width": width};
  return [
    low && h("path.interval", {d: area(xs, low.map(place), high.map(place)), fill: colour}),
    raw && h("path.line.raw", {d: path(xs, raw.map(place)), ...stroke}),
    h("path.line", {d: path(xs, y.map(place)), ...stroke})
  ];
}

export function meshOf({edges, columns}, places, place) {
  const there = placed(places);
  const sides = edgesOf(there.map(i => places[i]));
  const cell = (i, {fill, title}, level) => {
    const y = place(edges[level + 1]);
    const x = sides[i];
    const width = sides[i + 1] - x + 0.1;
    return h("rect", {x, y, width, height: place(edges[level]) - y + 0.1, fill}, h("title", title));
  };
  return there.map((column, i) => columns[column].map((each, level) => cell(i, each, level)));
}

// what is expected, as a stretch of the whole height with a line at its estimate, as far as the axis goes
export function stretchOf({low, at, high}, across) {
  const [from, middle, to] = [low, at, high].map(time => Math.min(Math.max(across(time), 0), 100));
  return [
    h("rect.expected", {x: from, y: 0, width: to - from, height: 100}),
    across(at) <= 100 && h("path.line.expected", {d: `M${middle} 0V100`, "stroke-dasharray": "4 3"})
  ];
}
