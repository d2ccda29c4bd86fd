// @ts-check
// Points in three dimensions on a canvas: the hand turns them, and the camera stays where it left it.

import {ticks} from "./axes.js";
import {ARROWS, colour, DIRECTIONS, h} from "./html.js";
import {Component} from "./preact.js";

// A camera looks at the middle of a cube with side 1: two angles, and its distance. z is upright.
const FIRST = cameraOf([0.98, -1.1, 0.7]);
const TURN = Math.PI / 24;
const TURN_OF_A_PIXEL = 0.008;
// short of the poles: beyond them right and left would be exchanged
const STEEPEST = 1.5;
const NEAREST = 0.9;
const FARTHEST = 4;
const CLOSER = 1.1;
// of a field of view of 45 degrees
const FOCAL = 1 / Math.tan(Math.PI / 8);
const GRID = [-0.5, -0.25, 0, 0.25, 0.5];
const AXES = [0, 1, 2];
// beyond the edge of a point, px: what is pointed at
const NEAR = 5;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function cameraOf([x, y, z]) {
  const distance = Math.hypot(x, y, z);
  return {around: Math.atan2(y, x), height: Math.asin(z / distance), distance};
}

// from above: label space is flat if it has two factors
export const ABOVE = {around: -Math.PI / 2, height: Math.PI / 2, distance: 1.6};

export const isFirst = camera => camera === FIRST;

// the camera of an address, which has its place, else where one stands first
export const cameraAt = place => (place && Math.hypot(...place) > 0 ? cameraOf(place) : FIRST);

export const cameraText = camera =>
  isFirst(camera)
    ? null
    : frameOf(camera)
        .toward.map(value => (value * camera.distance).toFixed(2))
        .join(",");

function turned({around, height, distance}, right, up) {
  return {around: around + right, height: clamp(height + up, -STEEPEST, STEEPEST), distance};
}

const zoomed = (camera, factor) => ({
  ...camera,
  distance: clamp(camera.distance * factor, NEAREST, FARTHEST)
});

// unit vectors: to the right and upwards on the screen, and from the middle toward the camera
function frameOf({around, height}) {
  const [sin, cos] = [Math.sin(around), Math.cos(around)];
  const [rise, level] = [Math.sin(height), Math.cos(height)];
  return {
    right: [-sin, cos, 0],
    up: [-rise * cos, -rise * sin, level],
    toward: [level * cos, level * sin, rise]
  };
}

// where points of the cube are on a screen: [x, y, depth], px from its upper left corner
function projection(camera, width, height) {
  const {right, up, toward} = frameOf(camera);
  const focal = (FOCAL * Math.min(width, height)) / 2;
  return point => {
    const depth = camera.distance - dot(point, toward);
    const scale = focal / Math.max(depth, 0.05);
    return [width / 2 + scale * dot(point, right), height / 2 - scale * dot(point, up), depth];
  };
}

// lines of the three walls that are farthest from the camera: [from, to], points of the cube
function gridLines(camera) {
  const {toward} = frameOf(camera);
  return AXES.flatMap(wall => {
    const far = toward[wall] > 0 ? -0.5 : 0.5;
    const [a, b] = AXES.filter(axis => axis !== wall);
    const at = (i, j) => {
      const point = [far, far, far];
      point[a] = i;
      point[b] = j;
      return point;
    };
    return GRID.flatMap(level => [
      [at(level, -0.5), at(level, 0.5)],
      [at(-0.5, level), at(0.5, level)]
    ]);
  });
}

// of an axis, the middle of the edge of the cube that is farthest out on the screen
function besideAxis(axis, place, [x, y]) {
  const [a, b] = AXES.filter(other => other !== axis);
  const corners = [-0.55, 0.55].flatMap(i => [-0.55, 0.55].map(j => [i, j]));
  const middles = corners.map(([i, j]) => {
    const point = [0, 0, 0];
    point[a] = i;
    point[b] = j;
    return place(point);
  });
  const out = middles.map(([left, top]) => Math.hypot(left - x, top - y));
  return middles[out.indexOf(Math.max(...out))];
}

// colours of values on a scale {stops, low, high}
export const shaded = (values, {stops, low, high}) =>
  values.map(value => mixed(stops, (value - low) / (high - low)));

// the colour at `share` of a scale, between its neighbouring stops
function mixed(stops, share) {
  const next = clamp(
    stops.findIndex(([at]) => at > share),
    1,
    stops.length - 1
  );
  const [[from, dark], [to, light]] = [stops[next - 1], stops[next]];
  const part = to > from ? clamp((share - from) / (to - from), 0, 1) : 1;
  const channel = (text, k) => parseInt(text.slice(1 + 2 * k, 3 + 2 * k), 16);
  const channels = AXES.map(k =>
    Math.round(channel(dark, k) + part * (channel(light, k) - channel(dark, k)))
  );
  return `rgb(${channels.join()})`;
}

function outline(context, {shape = "circle", size}, x, y) {
  const r = size / 2;
  context.beginPath();
  if (shape === "diamond") {
    context.moveTo(x - r, y);
    context.lineTo(x, y - r);
    context.lineTo(x + r, y);
    context.lineTo(x, y + r);
    context.closePath();
  } else {
    context.arc(x, y, r, 0, 2 * Math.PI);
  }
}

// Draw a figure; return where each of its points is, the nearest to the camera last.
function drawn(canvas, {traces, reach, names}, camera) {
  const {width, height} = canvas.getBoundingClientRect();
  const ratio = Math.max(devicePixelRatio, 1);
  Object.assign(canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)});
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const place = projection(camera, width, height);

  context.strokeStyle = colour("line");
  for (const [from, to] of gridLines(camera)) {
    const [[x, y], [u, v]] = [place(from), place(to)];
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(u, v);
    context.stroke();
  }

  const ink = colour("ink");
  Object.assign(context, {fillStyle: ink, font: "12px system-ui, sans-serif", textAlign: "center"});
  names.forEach((name, axis) => {
    const [x, y] = besideAxis(axis, place, [width / 2, height / 2]);
    context.fillText(name, clamp(x, 24, width - 24), clamp(y, 14, height - 6));
  });

  const placed = traces.flatMap(trace => {
    const {colours} = trace;
    const point = i => [trace.x[i], trace.y[i], trace.z[i]].map(value => value / (2 * reach));
    return trace.x.map((_, index) => {
      const [x, y, depth] = place(point(index));
      const paint = Array.isArray(colours) ? colours[index] : colours;
      return {trace, index, x, y, depth, paint};
    });
  });
  placed.sort((a, b) => b.depth - a.depth);

  for (const {trace, x, y, paint} of placed) {
    const {ring, width: line = 1, isOpen, opacity = 1} = trace;
    context.globalAlpha = opacity;
    outline(context, trace, x, y);
    context.fillStyle = paint;
    if (!isOpen) context.fill();
    Object.assign(context, {strokeStyle: isOpen ? paint : ring, lineWidth: line});
    if (isOpen || ring) context.stroke();
  }

  context.globalAlpha = 1;
  context.fillStyle = ink;
  for (const {trace, index, x, y} of placed) {
    if (trace.text) context.fillText(trace.text[index], x, y - trace.size);
  }
  return placed;
}

// the scale of the colours, with values beside it
function colourBar({stops, low, high, names = [], title}) {
  const gradient = stops.map(([at, paint]) => `${paint} ${100 * at}%`).join(", ");
  const marks = names.length ? names : ticks(low, high, 4).map(value => [value, String(value)]);
  const mark = ([value, text]) =>
    h("span", {style: {bottom: `${(100 * (value - low)) / (high - low)}%`}}, text);
  return h(
    "div.colourbar",
    h("span.note", title),
    h("div", {style: {background: `linear-gradient(to top, ${gradient})`}}, marks.map(mark))
  );
}

// figure: {traces, scale, reach, camera, names}, `reach` from the middle to each side
//   trace: {name, x, y, z, size, colours (or one colour), shape, isOpen, ring, width, opacity, text}, px
// moved(camera); hovered(trace, index, {x, y, width, height}); left()
export class Plot extends Component {
  constructor(properties) {
    super(properties);
    /** @type {any} the element, which says to programs that read the page what it shows */
    this.scene = null;
    /** @type {any} the camera while the hand turns it */
    this.turning = null;
    this.pointed = null;
    this.resized = new ResizeObserver(() => this.draw());
  }

  componentDidMount() {
    this.resized.observe(this.scene);
  }

  componentDidUpdate() {
    this.draw();
  }

  componentWillUnmount() {
    this.resized.disconnect();
  }

  draw() {
    const {figure} = this.props;
    const camera = this.turning ?? figure.camera;
    const start = performance.now();
    const placed = drawn(this.scene.querySelector("canvas"), figure, camera);
    Object.assign(this.scene, {traces: figure.traces, camera, placed});
    performance.measure("manifold", {start, end: performance.now()});
  }

  grab(event) {
    event.currentTarget.setPointerCapture(event.pointerId);
    this.turning = this.props.figure.camera;
  }

  move(event) {
    if (!this.turning) return this.point(event);
    const [dx, dy] = [event.movementX, event.movementY];
    this.turning = turned(this.turning, -TURN_OF_A_PIXEL * dx, TURN_OF_A_PIXEL * dy);
    this.draw();
  }

  release() {
    const camera = this.turning;
    this.turning = null;
    if (!camera || camera === this.props.figure.camera) return;
    this.scene.blur(); // whoever dragged it wants the keys for the slider
    this.props.moved(camera);
  }

  // what lies under the pointer: of several points the nearest to the camera
  point(event) {
    const {left, top, width, height} = this.scene.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const isNear = point => Math.hypot(point.x - x, point.y - y) <= point.trace.size / 2 + NEAR;
    const point = this.scene.placed.findLast(isNear);
    const pointed = point ? `${point.trace.name} ${point.index}` : null;
    if (pointed === this.pointed) return;
    this.pointed = pointed;
    if (point) this.props.hovered(point.trace.name, point.index, {x, y, width, height});
    else this.props.left();
  }

  leave() {
    if (this.pointed) this.props.left();
    this.pointed = null;
  }

  zoom(event) {
    event.preventDefault();
    this.props.moved(zoomed(this.props.figure.camera, event.deltaY > 0 ? CLOSER : 1 / CLOSER));
  }

  press(event) {
    const {camera} = this.props.figure;
    const [right, down] = DIRECTIONS[event.key] ?? [0, 0];
    const factor = {"+": 1 / CLOSER, "-": CLOSER}[event.key];
    if (!right && !down && !factor) return;
    event.preventDefault();
    this.props.moved(factor ? zoomed(camera, factor) : turned(camera, right * TURN, -down * TURN));
  }

  render({label, height, figure}) {
    const names = {role: "application", tabindex: 0, "data-keys": ARROWS, "aria-label": label};
    const events = {
      onkeydown: event => this.press(event),
      onpointerdown: event => this.grab(event),
      onpointermove: event => this.move(event),
      onpointerup: () => this.release(),
      onpointercancel: () => this.release(),
      onpointerleave: () => this.leave(),
      onwheel: event => this.zoom(event)
    };
    const keep = scene => (this.scene = scene);
    const bar = figure.scale && colourBar(figure.scale);
    return h("div.cloud", {...names, ref: keep, style: height && {height}, ...events}, h("canvas"), bar);
  }
}
