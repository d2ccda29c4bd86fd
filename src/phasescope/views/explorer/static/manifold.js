// Latents in three dimensions, by plotly.js; the camera stays where the hand left it.

import {ARROWS, colour, h} from "./dom.js";
import {numbersOf} from "./route.js";

let plotly = null;

export function loadPlotly() {
  plotly ??= window.Plotly ? Promise.resolve(window.Plotly) : new Promise((resolve, reject) => {
    document.head.append(h("script", {src: "/static/plotly.min.js", onload: () => resolve(window.Plotly), onerror: () => reject(new Error("plotly.js could not be loaded"))}));
  });
  return plotly;
}

export const ERRORS = [[0, "#00224e"], [0.35, "#575d6d"], [0.65, "#a59c74"], [1, "#fee838"]];
const EYE = {x: 0.98, y: -1.1, z: 0.7};
const TURN = Math.PI / 24, TURNS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};

export class Manifold {
  // camera: an eye to begin with; moved(eye), hovered(trace, index, event), left()
  constructor({camera = null, moved, hovered, left, height}) {
    this.scene = h("div.cloud", {role: "application", tabindex: 0, "data-keys": ARROWS, "aria-label": "latents in three dimensions; drag, or use the arrow keys, to turn"});
    if (height) this.scene.style.height = height;
    Object.assign(this, {eye: camera ?? EYE, moved, hovered, left, held: false, busy: null, next: null});
    this.scene.addEventListener("pointerdown", () => { this.held = true; });
    this.scene.addEventListener("keydown", (event) => {
      const [about, up] = TURNS[event.key] ?? [];
      if (about === undefined || !this.scene._fullLayout) return;
      event.preventDefault();
      this.look(turned(this.scene._fullLayout.scene._scene.getCamera().eye, about * TURN, up * TURN));
      this.moved?.(this.eye);
    });
    this.release = () => {
      if (this.held) this.scene.blur();  // who dragged it wants the keys for the scrubber
      this.held = false;
      this.flush();
    };
    addEventListener("pointerup", this.release);
    addEventListener("pointercancel", this.release);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme = scheme;
    this.repaint = () => { if (this.last) this.draw(this.last); };
    scheme.addEventListener("change", this.repaint);
  }

  // what: {cloud: {x, y, z}, values, scale, painted, chosen, target}; a redraw under a drag would throw the drag away
  draw(what) {
    this.last = what;
    this.next = what;
    return this.flush();
  }

  flush() {
    if (this.busy || this.held || !this.next) return this.busy;
    this.busy = (async () => {
      while (this.next && !this.held && !this.closed) {
        const what = this.next;
        this.next = null;
        const Plotly = await loadPlotly();
        if (this.closed || !this.scene.isConnected) break;
        const began = performance.now();
        await Plotly.react(this.scene, this.traces(what), this.layout(what), {displayModeBar: false, responsive: true});
        performance.measure("manifold", {start: began, end: performance.now()});
        this.listen();
      }
      this.busy = null;
    })();
    return this.busy;
  }

  traces({cloud, painted, chosen, target, colouring}) {
    const faint = colouring.of === "painted";
    const {scale, low, high, title, ticks} = colouring;
    const bar = scale ? {colorscale: scale, cmin: low, cmax: high, colorbar: {...ticks, title: {text: title}, thickness: 9, len: 0.55, x: 1, xanchor: "right", outlinewidth: 0, tickfont: {size: 10}}} : {};
    const common = {type: "scatter3d", mode: "markers", hoverinfo: "none"};
    const line = colour("line"), ink = colour("ink");
    const traces = [{...common, name: "cloud", ...cloud, marker: faint ? {size: 2, color: line, opacity: 0.7} : {size: 3.2, color: colouring.values, opacity: 0.85, ...bar}}];
    traces.push({...common, name: "painted", ...(painted ?? nowhere()), visible: Boolean(painted), marker: {size: faint ? 4.6 : 3.6, symbol: "circle", color: painted?.values ?? ink, opacity: faint ? 1 : 0.85, line: {width: faint ? 0.5 : 1, color: ink}, ...(faint ? bar : painted?.values && scale ? {colorscale: scale, cmin: low, cmax: high} : {})}});
    traces.push({...common, name: "chosen", ...(chosen ?? nowhere()), mode: "markers+text", visible: Boolean(chosen?.x.length), text: chosen?.text, textfont: {color: ink, size: 12}, textposition: "top center", marker: {size: 9, symbol: "circle-open", color: colour("target"), line: {width: 3, color: colour("target")}}});
    traces.push({...common, name: "target", ...(target ?? nowhere()), visible: Boolean(target), marker: {size: 8, symbol: "diamond", color: colour("target"), line: {width: 1, color: ink}}});
    return traces;
  }

  layout({reach}) {
    const line = colour("line");
    const axis = {title: {text: ""}, showticklabels: false, showgrid: true, gridcolor: line, zeroline: false, showspikes: false, showbackground: false, linecolor: line, showline: true, range: [-1.02 * reach, 1.02 * reach]};
    return {
      paper_bgcolor: "rgba(0,0,0,0)", font: {color: colour("ink"), size: 12}, margin: {l: 0, r: 0, t: 0, b: 0}, showlegend: false,
      scene: {xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "cube", camera: this.scene._fullLayout?.scene?._scene?.getCamera() ?? {eye: this.eye}, dragmode: "orbit"},
    };
  }

  listen() {
    if (this.listening) return;
    this.listening = true;
    this.scene.on("plotly_relayout", () => {
      const {eye} = this.scene._fullLayout.scene._scene.getCamera();
      this.eye = eye;
      this.moved?.(eye);
    });
    this.scene.on("plotly_hover", ({points: [point], event}) => this.hovered?.(point.data.name, point.pointNumber, event));
    this.scene.on("plotly_unhover", () => this.left?.());
  }

  look(eye) {
    this.eye = eye;
    if (this.scene._fullLayout) window.Plotly.relayout(this.scene, {"scene.camera.eye": eye});
  }

  close() {
    this.closed = true;
    removeEventListener("pointerup", this.release);
    removeEventListener("pointercancel", this.release);
    this.scheme.removeEventListener("change", this.repaint);
    if (this.scene._fullLayout) window.Plotly.purge(this.scene);
  }
}

const nowhere = () => ({x: [], y: [], z: []});

// points (s, n, 3) of one snapshot as {x, y, z}
export function axes(data, count, index = 0) {
  const from = 3 * count * index, of = (k) => Array.from({length: count}, (_, i) => data[from + 3 * i + k]);
  return {x: of(0), y: of(1), z: of(2)};
}

export function reachOf(data) {
  const sizes = Array.from(data, Math.abs).sort((a, b) => a - b);
  return sizes[Math.floor(0.999 * (sizes.length - 1))] || 1;
}

// an eye turned about the upright axis, and up or down short of the poles, by angles
function turned({x, y, z}, about, up) {
  const far = Math.hypot(x, y, z), along = Math.atan2(y, x) + about, high = Math.min(Math.max(Math.asin(z / far) + up, -1.5), 1.5);
  return {x: far * Math.cos(high) * Math.cos(along), y: far * Math.cos(high) * Math.sin(along), z: far * Math.sin(high)};
}

export const eyeText = (eye) => [eye.x, eye.y, eye.z].map((value) => value.toFixed(2)).join(",");

export function eyeOf(text) {
  const [x, y, z] = numbersOf(text, 3) ?? [];
  return x === undefined ? null : {x, y, z};
}
