// @ts-check
// Points in three dimensions, by plotly.js; the camera stays where the hand left it.

import {ARROWS, colour, DIRECTIONS, h} from "./html.js";
import {Component} from "./preact.js";

const EYE = {x: 0.98, y: -1.1, z: 0.7};
const TURN = Math.PI / 24;
const STEEPEST = 1.5;
const CONFIG = {displayModeBar: false, responsive: true};
const FREE = "rgba(0,0,0,0)";
/** @type {any} */
const page = window;
let plotly = null;

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    if (page.Plotly) return resolve(page.Plotly);
    const onerror = () => reject(new Error("plotly.js could not be loaded"));
    const onload = () => resolve(page.Plotly);
    document.head.append(
      Object.assign(document.createElement("script"), {src: "/static/plotly.min.js", onload, onerror})
    );
  });
  return plotly;
}

// from above: label space is flat if it has two factors
export const ABOVE = {eye: {x: 0, y: 0, z: 1.6}, up: {x: 0, y: 1, z: 0}};

export const isFirst = ({eye}) => eye === EYE;

// {eye} as an address has it, else where one stands first
export const cameraAt = eye => ({eye: eye ? {x: eye[0], y: eye[1], z: eye[2]} : EYE});

export const cameraText = ({eye}) =>
  isFirst({eye}) ? null : [eye.x, eye.y, eye.z].map(value => value.toFixed(2)).join(",");

// an eye turned about the upright axis, and up or down short of the poles
function turned({x, y, z}, right, down) {
  const distance = Math.hypot(x, y, z);
  const around = Math.atan2(y, x) + right * TURN;
  const height = Math.min(Math.max(Math.asin(z / distance) - down * TURN, -STEEPEST), STEEPEST);
  const level = distance * Math.cos(height);
  return {x: level * Math.cos(around), y: level * Math.sin(around), z: distance * Math.sin(height)};
}

// traces of a figure, `reach` from the middle to each side; axes have names or none
export function figureOf(data, {reach, camera, names = []}) {
  const line = colour("line");
  const range = [-1.02 * reach, 1.02 * reach];
  const bare = {
    showticklabels: false,
    zeroline: false,
    showspikes: false,
    showbackground: false,
    showline: true
  };
  const axis = i => ({...bare, title: {text: names[i] ?? ""}, gridcolor: line, linecolor: line, range});
  const axes = {xaxis: axis(0), yaxis: axis(1), zaxis: axis(2)};
  const layout = {
    paper_bgcolor: FREE,
    font: {color: colour("ink"), size: 12},
    margin: {l: 0, r: 0, t: 0, b: 0},
    showlegend: false,
    scene: {...axes, aspectmode: "cube", camera: structuredClone(camera), dragmode: "orbit"}
  };
  return {data, layout};
}

// figure: as `figureOf` gives it; moved(camera); hovered(trace, index, {x, y, width, height}); left()
export class Plot extends Component {
  constructor(properties) {
    super(properties);
    /** @type {any} */
    this.scene = null;
    this.keep = scene => (this.scene = scene);
    this.wanted = this.busy = this.held = this.listening = false;
  }

  componentDidMount() {
    // a drawing while the mouse is down would put the camera back
    this.release = () => {
      if (this.held) this.scene?.blur(); // whoever dragged it wants the keys for the slider
      this.held = false;
      if (this.wanted) this.draw();
    };
    addEventListener("pointerup", this.release);
    addEventListener("pointercancel", this.release);
    this.draw();
  }

  componentDidUpdate() {
    this.draw();
  }

  componentWillUnmount() {
    removeEventListener("pointerup", this.release);
    removeEventListener("pointercancel", this.release);
    if (this.scene._fullLayout) page.Plotly.purge(this.scene);
  }

  async draw() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    const Plotly = await loadPlotly();
    while (this.wanted && !this.held && this.scene) {
      this.wanted = false;
      const {data, layout} = this.props.figure;
      const start = performance.now();
      await Plotly.react(this.scene, data, layout, CONFIG);
      performance.measure("manifold", {start, end: performance.now()});
      if (!this.listening) this.listen();
    }
    this.busy = false;
  }

  listen() {
    this.listening = true;
    this.scene.on("plotly_relayout", event => {
      const camera = event["scene.camera"];
      if (camera) this.props.moved(structuredClone(camera));
    });
    this.scene.on("plotly_hover", ({points: [point], event}) => {
      const {left, top, width, height} = this.scene.getBoundingClientRect();
      const at = {x: (event?.clientX ?? left) - left, y: (event?.clientY ?? top) - top, width, height};
      this.props.hovered(point.data.name, point.pointNumber, at);
    });
    this.scene.on("plotly_unhover", () => this.props.left());
  }

  render({label, height, figure, moved}) {
    const onkeydown = event => {
      const direction = DIRECTIONS[event.key];
      const {camera} = figure.layout.scene;
      if (!direction) return;
      event.preventDefault();
      moved({...camera, eye: turned(camera.eye, direction[0], direction[1])});
    };
    const onpointerdown = () => (this.held = true);
    const names = {role: "application", tabindex: 0, "data-keys": ARROWS, "aria-label": label};
    return h("div.cloud", {...names, ref: this.keep, style: height && {height}, onkeydown, onpointerdown});
  }
}
