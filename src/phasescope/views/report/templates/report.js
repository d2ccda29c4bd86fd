"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const scene = by("cloud"), place = by("place"), projection = by("projection"), slider = by("snapshot"), play = by("play");

// one array per axis of each snapshot: points are stored snapshot by snapshot, (n, 3)
for (const cloud of data.clouds) {
  const points = floats(cloud.points), n = points.length / 3 / cloud.snapshots.length;
  cloud.reach = points.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  cloud.axes = cloud.snapshots.map((_, s) => [0, 1, 2].map((k) => Array.from({length: n}, (_, i) => points[3 * (s * n + i) + k])));
}
const factors = data.factors.map((factor) => ({...factor, values: Array.from(floats(factor.values))}));

let cloud = data.clouds[0], position = cloud.snapshots.length - 1, held = false, timer = null;
const factor = () => factors[Number(document.querySelector("input[name=colour]:checked").value)];

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

function theme() {
  const css = getComputedStyle(document.documentElement);
  const [ink, line] = ["--ink", "--line"].map((name) => css.getPropertyValue(name).trim());
  const axis = {title: {text: ""}, showticklabels: false, showgrid: true, gridcolor: line, zeroline: false, showspikes: false,
    showbackground: false, linecolor: line, showline: true, range: [-1.02 * cloud.reach, 1.02 * cloud.reach]};
  return {
    paper_bgcolor: "rgba(0,0,0,0)", font: {color: ink, size: 12}, margin: {l: 0, r: 0, t: 0, b: 0}, showlegend: false,
    scene: {xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "cube", camera: scene.layout?.scene.camera ?? {eye: {x: 1.1, y: -1.25, z: 0.8}}, dragmode: "orbit"},
  };
}

function trace() {
  const [x, y, z] = cloud.axes[position], shown = factor();
  return {
    type: "scatter3d", mode: "markers", x, y, z, hoverinfo: "skip",
    marker: {size: 3.2, color: shown.values, colorscale: shown.colours, cmin: shown.low, cmax: shown.high,
      colorbar: {...shown.ticks, title: {text: shown.name}, thickness: 10, len: 0.6, x: 0.99, xanchor: "right", outlinewidth: 0}},
  };
}

function readout() {
  const at = data.snapshots[cloud.snapshots[position]];
  const [order, untrained] = at.order[cloud.place] ?? [];
  const parts = [`${at.images_seen.toLocaleString("en")} images, step ${at.step.toLocaleString("en")}`, ...at.phases];
  if (order !== undefined && order !== null) parts.push(`order ${order.toFixed(2)}${untrained === null ? "" : ` (untrained ${untrained.toFixed(2)})`}`);
  if (cloud.shares) parts.push(`the three components hold ${Math.round(100 * cloud.shares[position])}\u00a0% of the variance`);
  by("readout").textContent = parts.join(" · ");
}

function draw() {
  slider.max = cloud.snapshots.length - 1;
  slider.value = position;
  slider.setAttribute("aria-valuetext", `${data.snapshots[cloud.snapshots[position]].images_seen} images`);
  readout();
  return Plotly.react(scene, [trace()], theme(), {displayModeBar: false, responsive: true});
}

function choose(wantedPlace, wantedProjection) {
  const at = cloud.snapshots[position];
  const here = data.clouds.filter((other) => other.place === wantedPlace);
  cloud = here.find((other) => other.projection === wantedProjection) ?? here[0];
  fill(projection, here.map((other) => [other.projection, data.projections[other.projection]]), cloud.projection);
  const distances = cloud.snapshots.map((snapshot) => Math.abs(snapshot - at));
  position = distances.indexOf(Math.min(...distances));
  draw();
}

function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "play";
  play.setAttribute("aria-pressed", "false");
}

fill(place, [...new Set(data.clouds.map((one) => one.place))].map((name) => [name, name]), cloud.place);
place.addEventListener("change", () => choose(place.value, cloud.projection));
projection.addEventListener("change", () => choose(cloud.place, projection.value));
by("colour").addEventListener("change", draw);
slider.addEventListener("input", () => { stop(); position = Number(slider.value); draw(); });
play.addEventListener("click", () => {
  if (timer) return stop();
  if (position === cloud.snapshots.length - 1) { position = 0; draw(); }
  play.textContent = "pause";
  play.setAttribute("aria-pressed", "true");
  timer = setInterval(() => {
    if (held) return;
    if (position === cloud.snapshots.length - 1) return stop();
    position += 1;
    draw();
  }, 450);
});
// the camera about the upright axis, and up or down short of the poles, by 7.5 degrees a key press
const TURN = Math.PI / 24, TURNS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
scene.addEventListener("keydown", (event) => {
  if (!(event.key in TURNS)) return;
  event.preventDefault();
  const [about, up] = TURNS[event.key], {x, y, z} = scene._fullLayout.scene._scene.getCamera().eye, far = Math.hypot(x, y, z);
  const along = Math.atan2(y, x) + about * TURN, high = Math.min(Math.max(Math.asin(z / far) + up * TURN, -1.5), 1.5);
  Plotly.relayout(scene, {"scene.camera.eye": {x: far * Math.cos(high) * Math.cos(along), y: far * Math.cos(high) * Math.sin(along), z: far * Math.sin(high)}});
});
// a redraw under a drag would throw the drag away
scene.addEventListener("pointerdown", () => { held = true; });
addEventListener("pointerup", () => { held = false; });
addEventListener("pointercancel", () => { held = false; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
choose(cloud.place, cloud.projection);
