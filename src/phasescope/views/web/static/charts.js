// @ts-check
// One chart for every panel of curves; places are in per cent of the plot, so that it fits any width.

import {compact, fixed, h, known, percent} from "./html.js";
import {Component} from "./preact.js";
import {terms as asked} from "./words.js";

const MOST_LINES = 8;
const NARROWEST = 4;
const MOST_POWERS = 5;
// An axis goes on to the end of what is expected, up to so many times what is known:
// else curves would be too narrow.
const MOST_AHEAD = 3;

export function ticks(low, high, count = 5) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(candidate => candidate >= span / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// powers of ten, and their threefold where there is room; further multiples where there are none of these
function logTicks(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(Math.ceil((last - first) / MOST_POWERS), 1);
  const powers = Array.from({length: Math.max(last - first, 0) + 2}, (_, i) => 10 ** (first - 1 + i));
  const shown = powers.filter((_, i) => every === 1 || i % every === 1);
  const ticks = factors =>
    shown
      .flatMap(power => factors.map(factor => factor * power))
      .filter(at => at >= low * 0.999 && at <= high * 1.001);
  const usual = ticks(last - first < MOST_POWERS ? [1, 3] : [1]);
  return usual.length > 1 ? usual : ticks([1, 2, 3, 5, 7]);
}

// the index of what lies nearest to `x`
export function nearest(xs, x) {
  const distances = xs.map(at => (known(at) ? Math.abs(at - x) : Infinity));
  return distances.indexOf(Math.min(...distances));
}

export function power(value) {
  if (value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 1e5))
    return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

// ends of the stretches that snapshots stand for: half way between neighbours, closed at both ends
const edgesOf = xs => [xs[0], ...xs.slice(1).map((x, i) => (x + xs[i]) / 2), xs[xs.length - 1]];

// stretches of equal phases as boxes with their letter; `xs` in per cent
export function phaseStrip(name, phases, xs) {
  const edges = edgesOf(xs);
  const starts = phases.map((_, i) => i).filter(i => !i || phases[i] !== phases[i - 1]);
  const box = (first, k) => {
    const phase = phases[first];
    const width = edges[starts[k + 1] ?? phases.length] - edges[first];
    const style = {left: `${edges[first]}%`, width: `${width}%`};
    const letter = phase !== "undecided" && width > NARROWEST && phase;
    return phase && h(`span.phase-${phase}`, {style, title: `${name}: ${phase}`}, letter);
  };
  return h("div.strip", {"aria-hidden": "true"}, starts.map(box));
}

// "M x y L x y", with a gap where a number is missing
function path(xs, ys) {
  const isThere = i => known(xs[i]) && known(ys[i]);
  const point = (x, i) => isThere(i) && `${isThere(i - 1) ? "L" : "M"}${x.toFixed(2)} ${ys[i].toFixed(2)}`;
  return xs.map(point).filter(Boolean).join("");
}

function area(xs, lows, highs) {
  const there = xs.map((_, i) => i).filter(i => known(lows[i]) && known(highs[i]));
  if (!there.length) return "";
  const points = (ys, indices) => indices.map(i => `${xs[i].toFixed(2)} ${ys[i].toFixed(2)}`).join("L");
  return `M${points(highs, there)}L${points(lows, there.reverse())}Z`;
}

// Places along y, in per cent from above, and the ticks; what lies beyond a fixed domain is drawn at its end.
function scaleOf({log, domain, mesh}, lines) {
  const values = lines.flatMap(({y, low = [], high = []}) => [...y, ...low, ...high]);
  const usable = values.filter(value => known(value) && (!log || value > 0));
  const ends = mesh ? [mesh.edges[0], mesh.edges.at(-1)] : domain;
  let [low, high] = ends ?? [Math.min(...usable), Math.max(...usable)];
  if (low > high) [low, high] = [1, 10];
  if (low === high && !log) [low, high] = [Math.min(2 * low, 0), Math.max(2 * low, 0) || 1];
  if (log) [low, high] = [low / 1.15, high * 1.15];
  const to = log ? Math.log10 : value => value;
  const place = value => {
    if (!known(value) || (log && value <= 0)) return null;
    const inside = ends ? Math.min(Math.max(value, low), high) : value;
    return 100 - (100 * (to(inside) - to(low))) / (to(high) - to(low) || 1);
  };
  return {place, ticks: log ? logTicks(low, high) : ticks(low, high, 4)};
}

function shapesOf(line, xs, place) {
  if (line.area) return h("path", {d: area(xs, ...line.area.map(ys => ys.map(place))), fill: line.colour});
  const {y, low, high, colour, dash, thin} = line;
  const width = thin ? 0.8 : dash ? 1.3 : 2;
  return [
    low && h("path.interval", {d: area(xs, low.map(place), high.map(place)), fill: colour}),
    h("path.line", {
      d: path(xs, y.map(place)),
      stroke: colour,
      "stroke-dasharray": dash,
      "stroke-width": width
    })
  ];
}

function meshOf({edges, columns}, xs, place) {
  const sides = edgesOf(xs);
  const cell = (i, {fill, title}, level) => {
    const y = place(edges[level + 1]);
    const x = sides[i];
    const width = sides[i + 1] - x + 0.1;
    return h("rect", {x, y, width, height: place(edges[level]) - y + 0.1, fill}, h("title", title));
  };
  return columns.map((cells, i) => cells.map((each, level) => cell(i, each, level)));
}

const isThere = line => line.area || line.y.some(known);

/** @param {any} panel */
export const hasData = ({lines, strips = [], mesh}) => mesh || strips.length > 0 || lines.some(isThere);

// R² and other numbers up to 1 have two digits behind the point, whatever their size
export const formatOf = ({percent: isShare, domain, log}) =>
  isShare ? percent : domain && !log ? fixed : power;

// A chart of a panel (see details.py) over `x`.
//   expected: {label, low, at, high} on the x axis: an interval and its estimate, drawn behind the lines
//   cursor: where on the x axis it stands; null for none: the legend then has the last numbers
//   pick(x): called with what is pointed at; format: of numbers along y
export class Chart extends Component {
  render({panel, x, expected, cursor, pick, format = formatOf(panel)}, {all}) {
    const {title, note, terms = [], mesh} = panel;
    const lines = panel.lines.filter(isThere);
    const beyond = lines.some(line => line.area) ? 0 : Math.max(lines.length - MOST_LINES, 0);
    const drawn = all || !beyond ? lines : lines.slice(0, MOST_LINES);
    const more = {type: "button", "aria-expanded": all ?? false, onclick: () => this.setState({all: !all})};
    const toggle = h("button", more, all ? `show ${MOST_LINES} lines` : `show ${beyond} more lines`);
    const caption = h("figcaption", h("h2", title), note && h("span.note", note), asked(terms));
    const index = known(cursor) ? nearest(x, cursor) : null;
    const cells = Object.entries(mesh?.names ?? {}).map(([name, colour]) => {
      const y = mesh.columns.map(column => column.filter(cell => cell.title === name).length);
      return {name, colour, y, area: true, format: String};
    });
    const entries = [...drawn, ...cells].filter(({name}) => name);
    const named = entries.map(line => entry(line, index, line.format ?? format));
    if (expected) named.push(entryOf(expected));
    const legend = named.length > 0 && h("div.legend", named);
    const plot = this.plot({panel, x, expected, cursor, pick, format}, drawn);
    return h("figure.panel", {"data-key": panel.key}, caption, legend, beyond > 0 && toggle, plot);
  }

  plot({panel, x, expected, cursor, pick, format}, lines) {
    const {title, strips = [], mesh, height = 190} = panel;
    const hasCurves = mesh || lines.length > 0;
    const first = x.find(known) ?? 0;
    const trained = (x.findLast(known) ?? first) - first || 1;
    const end = expected ? Math.min(expected.high, first + MOST_AHEAD * trained) : first;
    const span = Math.max(trained, end - first);
    const scale = scaleOf(panel, lines);
    const across = value => (known(value) ? (100 * (value - first)) / span : null);
    const xs = x.map(across);
    const shapes = [
      expected && stretchOf(expected, across),
      mesh && meshOf(mesh, xs, scale.place),
      lines.map(line => shapesOf(line, xs, scale.place))
    ];
    const svg = {role: "img", "aria-label": title, viewBox: "0 0 100 100", preserveAspectRatio: "none"};
    const levels = scale.ticks.map(tick =>
      h("div.level", {style: {top: `${scale.place(tick)}%`}}, h("span", format(tick)))
    );
    const columns = ticks(first, first + span, 4).map(tick =>
      h("span.x", {style: {left: `${across(tick)}%`}}, compact(tick))
    );
    const point = event => {
      const box = event.currentTarget.getBoundingClientRect();
      if (event.buttons && pick) pick(first + (span * (event.clientX - box.left)) / box.width);
    };
    const capture = event => {
      event.currentTarget.setPointerCapture(event.pointerId);
      point(event);
    };
    return h(
      "div.plot",
      {onpointerdown: capture, onpointermove: point},
      strips.map(({name, phases}) => [h("div.of", name), phaseStrip(name, phases, xs)]),
      hasCurves && h("div.field", {style: {height: `${height}px`}}, levels, h("svg.chart", svg, shapes)),
      columns,
      known(cursor) && h("div.cursor", {style: {left: `${across(cursor)}%`}})
    );
  }
}

// what is expected, as a stretch of the whole height with a line at its estimate, as far as the axis goes
function stretchOf({low, at, high}, across) {
  const [from, middle, to] = [low, at, high].map(time => Math.min(Math.max(across(time), 0), 100));
  return [
    h("rect.expected", {x: from, y: 0, width: to - from, height: 100}),
    across(at) <= 100 && h("path.line.expected", {d: `M${middle} 0V100`, "stroke-dasharray": "4 3"})
  ];
}

function entryOf({label, low, at, high}) {
  const interval = high > low ? ` (${compact(low)} to ${compact(high)})` : "";
  return h(
    "span.long",
    swatch({area: true, colour: "var(--probe)", dash: ""}),
    label,
    h("output", `${compact(at)}${interval}`)
  );
}

function entry(line, index, format) {
  const value = index === null ? line.y.findLast(known) : line.y[index];
  const text = known(value) ? format(value) : "–";
  return h("span", {title: line.title}, swatch(line), line.name, h("output", text));
}

function swatch({area, colour, dash}) {
  const stroke = {stroke: colour, "stroke-width": 2.4, "stroke-dasharray": dash};
  const shape = area
    ? h("rect", {width: 16, height: 10, fill: colour})
    : h("path", {d: "M0 5h16", ...stroke});
  return h("svg.swatch", {width: 16, height: 10, "aria-hidden": "true"}, shape);
}
