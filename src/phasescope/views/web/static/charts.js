// @ts-check
// One chart for every panel of curves; places are in per cent of the plot, so that it fits any width.

import {axisOf, indicesWithin, nearest, smoothed} from "./axes.js";
import {compact, fixed, h, known, percent, percentTo} from "./html.js";
import {Component} from "./preact.js";
import {meshOf, phaseStrip, scaleOf, shapesOf, stretchOf} from "./shapes.js";
import {toolbar} from "./toolbar.js";
import {terms as asked} from "./words.js";

const MOST_LINES = 8;
// An axis goes on to the end of what is expected, up to so many times what is known:
// else curves would be too narrow.
const MOST_AHEAD = 3;
const DRAG_PX = 6; // beyond which a click is a drag

// What was chosen while the page is open: of charts, by the key of their panel; of x axes, by their page.
const chosen = new Map();
const axes = new Map();

// The x axis that all charts of a page share: {isLog, zoom, unit, set}.
//   zoom: the ends of the stretch that is seen, null for all; unit: in words; changed(): draws the page again
export function sharedAxis(page, unit, changed) {
  const key = `${page} ${unit}`;
  if (!axes.has(key)) axes.set(key, {isLog: false, zoom: null});
  const axis = axes.get(key);
  const set = values => {
    Object.assign(axis, values);
    changed();
  };
  return {...axis, unit, set};
}

export function power(value) {
  if (value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 1e5))
    return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

const isThere = line => line.area || line.y.some(known);

/** @param {any} panel */
export const hasData = ({lines, strips = [], mesh}) => mesh || strips.length > 0 || lines.some(isThere);

// R² and other numbers up to 1 have two digits behind the point, whatever their size
export const formatOf = ({percent: isShare, domain, log}) =>
  isShare ? percent : domain && !log ? fixed : power;

// The format of ticks: with as many digits as they have, so that 92.5 % is not 93 %.
export function tickFormat(ticks, format) {
  const digitsOf = scaled =>
    Math.max(...ticks.map(tick => decimals(Number((scaled * tick).toPrecision(12)))), 0);
  if (format === percent) return tick => percentTo(tick, digitsOf(100));
  return format === fixed ? tick => fixed(tick, Math.max(digitsOf(1), 2)) : format;
}

const decimals = value => (String(value).split(".")[1] ?? "").length;

// whether a logarithm of every value can be drawn
const allowsLog = ({mesh, log}, lines) =>
  log || (!mesh && lines.length > 0 && lines.every(({area, y}) => !area && y.every(v => !known(v) || v > 0)));

// A zoomed chart's y axis fits what is seen, unless its values are parts of a whole.
function shownPanel(panel, {log}, {zoom}) {
  const isFitted = log || (zoom && !panel.percent && !panel.mesh && panel.lines.every(({area}) => !area));
  return {...panel, log, domain: isFitted ? null : panel.domain};
}

// The x axis of a chart over `x`, which goes on to the end of what is expected.
function acrossOf(x, expected, {isLog, zoom}) {
  const usable = x.filter(value => known(value) && (!isLog || value > 0));
  const first = usable[0] ?? 0;
  const trained = (usable.at(-1) ?? first) - first || 1;
  const end = expected ? Math.min(expected.high, first + MOST_AHEAD * trained) : first;
  const [low, high] = zoom ?? [first, first + Math.max(trained, end - first)];
  return axisOf(low, high, {isLog: isLog && low > 0});
}

// A chart of a panel (see details.py) over `x`.
//   axis: the x axis that the charts of the page share; name: of what is drawn, for files
//   expected: {label, low, at, high} on the x axis: an interval and its estimate, drawn behind the lines
//   cursor: where on the x axis it stands; null for none: the legend then has the last numbers
//   pick(x): called with what is pointed at; format: of numbers along y
export class Chart extends Component {
  constructor() {
    super();
    // place: of the mouse, in per cent; from: where a drag began; isFocused: by key
    this.state = {place: null, level: null, from: null, isFocused: false};
  }

  change(values) {
    const {key} = this.props.panel;
    chosen.set(key, {...chosen.get(key), ...values});
    this.setState({});
  }

  render({panel, x, axis, name, expected, cursor, pick, format}) {
    const settings = {all: false, isOpen: false, smooth: 0, log: panel.log, ...chosen.get(panel.key)};
    const {title, note, terms = [], mesh} = panel;
    const shown = shownPanel(panel, settings, axis);
    const formatY = format ?? formatOf(shown);
    const smooth = line =>
      settings.smooth && !line.area
        ? {...line, raw: line.y, y: smoothed(line.y, settings.smooth, settings.log)}
        : line;
    const lines = panel.lines.filter(isThere).map(smooth);
    const beyond = lines.some(line => line.area) ? 0 : Math.max(lines.length - MOST_LINES, 0);
    const drawn = settings.all || !beyond ? lines : lines.slice(0, MOST_LINES);
    const index = known(cursor) ? nearest(x, cursor) : null;

    const named = [...drawn, ...cellsOf(mesh)].filter(({name}) => name);
    const entries = named.map(line => entry(line, index, line.format ?? formatY));
    if (expected) entries.push(entryOf(expected));
    const tools = toolbar({
      panel,
      x,
      axis,
      name,
      settings,
      change: values => this.change(values),
      allowsLog: allowsLog(panel, lines)
    });
    return h(
      "figure.panel",
      {"data-key": panel.key},
      h("figcaption", h("h2", title), note && h("span.note", note), asked(terms), tools.open),
      tools.row,
      entries.length > 0 && h("div.legend", entries),
      beyond > 0 && this.moreOrFewer(settings.all, beyond),
      this.plot({panel: shown, x, axis, expected, index, cursor, pick, format: formatY}, drawn)
    );
  }

  moreOrFewer(all, beyond) {
    const more = {type: "button", "data-tool": true, "aria-expanded": all};
    const text = all ? `show ${MOST_LINES} lines` : `show ${beyond} more lines`;
    return h("button", {...more, onclick: () => this.change({all: !all})}, text);
  }

  plot({panel, x, axis, expected, index, cursor, pick, format}, lines) {
    const {strips = [], mesh, height = 190} = panel;
    const across = acrossOf(x, expected, axis);
    const seen = indicesWithin(x, [across.low, across.high]);
    const scale = scaleOf(panel, lines, seen);
    const xs = x.map(across.place);
    const shapes = [
      expected && stretchOf(expected, across.place),
      mesh && meshOf(mesh, xs, scale.place),
      lines.map(line => shapesOf(line, xs, scale.place))
    ];
    const drawing = {"aria-hidden": true, viewBox: "0 0 100 100", preserveAspectRatio: "none"};
    const svg = h(`svg.chart${axis.zoom ? ".zoomed" : ""}`, drawing, shapes);
    const tickText = tickFormat(scale.ticks, format);
    const levels = scale.ticks.map(tick =>
      h("div.level", {style: {top: `${scale.place(tick)}%`}}, h("span", tickText(tick)))
    );
    const columns = across.ticks.map(tick =>
      h("span.x", {style: {left: `${across.place(tick)}%`}}, compact(tick))
    );

    const at = known(cursor) ? across.place(cursor) : null;
    const point = this.pointAt({x, across, index});
    const read = i => readings({panel, lines, format}, i, this.state.level);
    return h(
      "div.plot",
      {...this.hand({x, axis, across, pick, cursor}), ...spoken({panel, x, axis, index}, read)},
      strips.map(({name, phases}) => [h("div.of", name), phaseStrip(name, phases, xs)]),
      mesh && h("div.of", `y axis: ${mesh.ylabel}`),
      (mesh || lines.length > 0) && h("div.field", {style: {height: `${height}px`}}, levels, svg),
      columns,
      known(at) && (!axis.zoom || isInside(at)) && h("div.cursor", {style: {left: `${at}%`}}),
      this.state.from !== null && selection(this.state),
      point !== null &&
        this.state.from === null &&
        readout(xs[point], `${exact(x[point])} ${axis.unit}`, read(point))
    );
  }

  // the index of what is read: under the mouse, or at the cursor if the focus came by key
  pointAt({x, across, index}) {
    const {place, isFocused} = this.state;
    if (place !== null) return nearest(x.map(across.place), place);
    return isFocused && index !== null && isInside(across.place(x[index])) ? index : null;
  }

  // what mouse and keys do: a click picks, a drag zooms
  hand({x, axis, across, pick, cursor}) {
    const placeIn = event => {
      const box = event.currentTarget.getBoundingClientRect();
      return Math.min(Math.max((100 * (event.clientX - box.left)) / box.width, 0), 100);
    };
    const isDrag = event => {
      const wide = event.currentTarget.getBoundingClientRect().width;
      return Math.abs(placeIn(event) - this.state.from) * wide > 100 * DRAG_PX;
    };
    const zoomTo = ends => axis.set({zoom: ends && widened(ends, x)});
    const moved = event => {
      const field = event.currentTarget.querySelector(".field")?.getBoundingClientRect();
      const level = field ? 1 - (event.clientY - field.top) / field.height : null;
      this.setState({place: placeIn(event), level});
    };
    return {
      onpointermove: moved,
      onpointerdown: event => {
        event.currentTarget.setPointerCapture(event.pointerId);
        moved(event);
        this.setState({from: placeIn(event)});
      },
      onpointerup: event => {
        const ends = [this.state.from, placeIn(event)].sort((a, b) => a - b).map(across.value);
        if (this.state.from === null) return;
        if (isDrag(event)) zoomTo(ends);
        else pick?.(across.value(placeIn(event)));
        this.setState({from: null});
      },
      onpointercancel: () => this.setState({from: null, place: null}),
      onpointerleave: () => this.setState({place: null}),
      ondblclick: () => zoomTo(null),
      onfocus: event => this.setState({isFocused: event.currentTarget.matches(":focus-visible")}),
      onblur: () => this.setState({isFocused: false}),
      onkeydown: event => {
        if (event.key === "Escape") this.setState({place: null, isFocused: false});
        const at = across.place(cursor);
        const ends = zoomedBy(event.key, across, isInside(at) ? at : 50);
        if (ends !== undefined) zoomTo(ends);
        else if (event.key.startsWith("Arrow")) this.setState({place: null, isFocused: true});
      }
    };
  }
}

const isInside = place => known(place) && place >= 0 && place <= 100;

// The ends of the stretch that a key asks for, where `place` stays; null for all, undefined for another key.
function zoomedBy(key, {value}, place) {
  const factor = {"+": 0.5, "=": 0.5, "-": 2}[key];
  if (key === "0") return null;
  return factor && [place - factor * place, place + factor * (100 - place)].map(value);
}

// A stretch with two points at least: else there would be nothing to see. Null if it holds all of them.
function widened([low, high], x) {
  const points = x.filter(known);
  if (low <= points[0] && high >= points.at(-1)) return null;
  const count = points.filter(at => at >= low && at <= high).length;
  if (count > 1) return [low, high];
  const before = points.findLast(at => at <= low) ?? points[0];
  const after = points.find(at => at >= high && at > before) ?? points.at(-1);
  return before < after ? [before, after] : null;
}

const exact = value => new Intl.NumberFormat("en", {maximumSignificantDigits: 6}).format(value);

// [name, text, colour] of all that is drawn at point `i`.
//   level: of a mesh, the height of the cell that is asked for, from 0 to 1; null for all cells
function readings({panel: {strips = [], mesh}, lines, format}, i, level) {
  const phases = strips.map(({name, phases}) => [name, phases[i] ?? "not read", null]);
  // Lines without a name, such as those of single factors, are thin and stand in the CSV.
  const named = lines.filter(({name}) => name);
  const values = named.map(line => {
    const text = known(line.y[i]) ? format(line.y[i]) : "–";
    const ends = known(line.low?.[i]) ? ` (${format(line.low[i])} to ${format(line.high[i])})` : "";
    const raw = line.raw ? `${known(line.raw[i]) ? format(line.raw[i]) : "–"}, mean ` : "";
    return [line.name, `${raw}${text}${ends}`, line.colour];
  });
  if (!mesh) return [...phases, ...values];
  const {edges, columns} = mesh;
  const asked = known(level) ? edges[0] + level * (edges.at(-1) - edges[0]) : null;
  const cells = columns[i].map((cell, k) => [
    `${exact(edges[k])} to ${exact(edges[k + 1])}`,
    cell.title,
    cell.fill
  ]);
  const under = cells.filter((_, k) => asked === null || (edges[k] <= asked && asked < edges[k + 1]));
  return [...phases, ...values, ...under.reverse()];
}

// A chart is a slider for screen readers: its value is what stands at the cursor, or at the end.
function spoken({panel, x, axis, index}, read) {
  const now = index ?? x.length - 1;
  const texts = read(now).map(([name, text]) => `${name} ${text}`);
  return {
    role: "slider",
    tabindex: 0,
    "aria-label": panel.title,
    "aria-valuemin": 0,
    "aria-valuemax": Math.max(x.length - 1, 0),
    "aria-valuenow": Math.max(now, 0),
    "aria-valuetext": `${known(x[now]) ? exact(x[now]) : "–"} ${axis.unit}: ${texts.join(", ")}`
  };
}

function selection({from, place}) {
  const [left, right] = [from, place ?? from].sort((a, b) => a - b);
  return h("div.selection", {style: {left: `${left}%`, width: `${right - left}%`}});
}

function readout(place, heading, entries) {
  const side = place > 50 ? {right: `${100 - place}%`} : {left: `${place}%`};
  const line = ([name, text, colour]) =>
    h("div", colour && h("i", {style: {background: colour}}), name, h("b", text));
  return h(
    "div",
    {"data-tool": true, "aria-hidden": true},
    h("div.hairline", {style: {left: `${place}%`}}),
    h("div.readout", {style: side}, h("div", heading), entries.map(line))
  );
}

// what a mesh adds to the legend: how many cells of a column have each name
const cellsOf = mesh =>
  Object.entries(mesh?.names ?? {}).map(([name, colour]) => {
    const y = mesh.columns.map(column => column.filter(cell => cell.title === name).length);
    return {name, colour, y, area: true, format: String};
  });

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
