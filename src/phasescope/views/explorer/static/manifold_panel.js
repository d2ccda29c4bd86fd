// The manifold of a run at one snapshot, with what it is read by: tap, t, projection, colour; hovering shows images.

import {ofRun, packet} from "./api.js";
import {choice, colour, fixed, h, percent} from "./dom.js";
import {draw as drawImage, outcomeText} from "./images.js";
import {axes, errorScale, eyeOf, eyeText, Manifold, reachOf, scales} from "./manifold.js";

const REST_MS = 140;

export class ManifoldPanel {
  // details(), samples() give what the page has now; target: a label whose latent is shown too (the paint view)
  constructor({name, kept, selected = new Set(), changed, details, samples = () => null, height}) {
    Object.assign(this, {name, kept, selected, changed, details, samples, place: null, projection: "pca", colouring: "x", snapshot: null, cloud: null, marks: {}});
    this.plot = new Manifold({height, moved: (eye) => { this.eye = eye; this.changed(); }, hovered: (...point) => this.hover(...point), left: () => this.unhover()});
    this.controls = h("div.controls");
    this.note = h("p.note");
    this.glass = h("div.glass", {hidden: true}, h("canvas"), h("span"));
    this.root = h("figure.panel.manifold", h("figcaption", h("h3", "The latent manifold")), this.controls, h("div.stage", this.plot.scene, this.glass), this.note);
  }

  restore(query) {
    const {latents} = this.details(), wanted = query.get("at");
    this.place = latents.some((one) => key(one) === wanted) ? wanted : latents[0] ? key(latents[0]) : null;
    this.projection = query.get("proj") ?? "pca";
    this.colouring = query.get("colour") ?? "x";
    this.eye = eyeOf(query.get("cam"));
    if (this.eye) this.plot.look(this.eye);
    this.choices();
    this.read();
  }

  query() {
    return {at: this.place, proj: this.projection === "pca" ? null : this.projection, colour: this.colouring === "x" ? null : this.colouring, cam: this.eye ? eyeText(this.eye) : null};
  }

  choices() {
    const {latents, names, factors} = this.details(), here = latents.find((one) => key(one) === this.place);
    if (!here) {
      this.controls.replaceChildren();
      this.note.textContent = "No snapshot of this run holds latents.";
      this.plot.scene.hidden = true;
      return;
    }
    this.plot.scene.hidden = false;
    if (!here.projections.includes(this.projection)) this.projection = "pca";
    const colours = [...factors.slice(0, 2).map((factor) => [factor, factor]), ["outcome", "outcome"], ["error", "error"]];
    if (!colours.some(([value]) => value === this.colouring)) this.colouring = factors[0];
    const set = (field, reading) => (value) => { this[field] = value; if (reading) this.read(); else this.draw(); this.choices(); this.changed(); };
    this.controls.replaceChildren(
      choice("latents at", latents.map((one) => [key(one), `${one.tap}, t = ${one.t}`]), this.place, set("place", true)),
      choice("projection", here.projections.map((name) => [name, names.projections[name]]), this.projection, set("projection", true)),
      choice("colour", colours, this.colouring, set("colouring", false)));
  }

  where() {
    const [tap, t] = this.place.split(":");
    return {tap, t, projection: this.projection};
  }

  // the clouds of all snapshots come at once: the scrubber then waits for nothing
  async read() {
    if (!this.place) return;
    const url = ofRun(this.name, "cloud", {...this.where(), of: this.details().snapshots.length});
    this.wanted = url;
    try {
      const cloud = await this.kept.get(url);
      if (this.wanted !== url) return;
      this.cloud = cloud;
      this.reach = reachOf(cloud.points.data);
      this.marks = {};
      this.draw();
      this.painted();
      this.onread?.();
    } catch (error) {
      this.note.textContent = error.message;
    }
  }

  grown() { this.choices(); this.read(); }

  move(snapshot) {
    this.snapshot = snapshot;
    this.unhover();
    this.draw();
  }

  index() { return this.cloud?.steps.indexOf(this.snapshot?.step) ?? -1; }

  pointsUrl() { return ofRun(this.name, "points", {...this.where(), step: this.snapshot.step, of: this.details().snapshots.length}); }

  // where the painted labels' latents lie takes the network: it is asked when the scrubber rests
  painted() {
    clearTimeout(this.resting);
    if (this.index() < 0 || !this.snapshot.weights || !this.samples()) return;
    const url = this.pointsUrl();
    if (this.kept.ready(url)) { this.draw(); return; }
    this.resting = setTimeout(() => this.kept.get(url).then(() => this.draw(), (error) => { this.note.textContent = error.message; }), REST_MS);
  }

  choose() { this.draw(); }

  draw() {
    const index = this.index();
    if (index < 0) {
      if (this.cloud && this.snapshot) this.note.textContent = "This snapshot holds no latents here.";
      return undefined;
    }
    const {cloud} = this, count = cloud.points.shape[1], samples = this.samples(), answer = samples && this.kept.ready(this.pointsUrl());
    const what = {cloud: axes(cloud.points.data, count, index), reach: this.reach, colouring: this.colours(count), ...this.marks};
    if (answer && answer.points.shape[0] === samples.count) {
      const at = axes(answer.points.data, samples.count);
      what.painted = {...at, values: this.paintedColours(samples)};
      const chosen = [...this.selected].filter((i) => i < samples.count);
      what.chosen = {x: chosen.map((i) => at.x[i]), y: chosen.map((i) => at.y[i]), z: chosen.map((i) => at.z[i]), text: chosen.map((i) => samples.label(i).map((value) => fixed(value, 0)).join(", "))};
    }
    const share = cloud.shares?.[index];
    this.note.textContent = [`${count} off-grid labels`, what.painted ? `${samples.count} painted ones, ringed` : this.colouring === "outcome" || this.colouring === "error" ? "the painted labels’ latents are being computed" : "",
      share !== undefined ? `the three components hold ${percent(share)} of the variance` : "UMAP as the run took it"].filter(Boolean).join(" · ");
    return this.plot.draw(what);
  }

  colours(count) {
    const {factors, painting, periodic} = this.details(), k = factors.indexOf(this.colouring);
    if (this.colouring === "outcome") return {of: "painted"};
    if (this.colouring === "error") return {of: "painted", scale: errorScale, low: 0, high: 4, title: "error, px"};
    const width = this.cloud.labels.shape[1], values = Array.from({length: count}, (_, i) => this.cloud.labels.data[i * width + k]);
    const factor = painting.factors?.[k];
    return {of: "cloud", values, scale: scales(periodic), low: factor?.low ?? Math.min(...values), high: factor?.high ?? Math.max(...values), title: `${this.colouring}, px`};
  }

  paintedColours(samples) {
    const {factors, periodic, painting} = this.details(), all = Array.from({length: samples.count}, (_, i) => i);
    if (this.colouring === "outcome") return all.map((i) => colour(`outcome-${samples.outcome[i] || "none"}`));
    // where no single bump was read there is no error: as far as the scale goes
    if (this.colouring === "error") return all.map((i) => { const error = samples.error(i, periodic ? painting.canvas : null); return Number.isFinite(error) ? Math.min(error, 4) : 4; });
    const k = factors.indexOf(this.colouring);
    return all.map((i) => samples.label(i)[k]);
  }

  async hover(trace, number, event) {
    const samples = this.samples(), mine = (this.hovering = {});
    if (trace === "painted" || trace === "chosen") {
      if (!samples) return;
      const i = trace === "chosen" ? [...this.selected][number] : number;
      return this.look(event, samples.pixels(i), samples.n, {label: samples.label(i), reading: samples.reading(i)}, samples.describe(i));
    }
    const {painting} = this.details();
    if (trace !== "cloud" || painting.error || !this.snapshot.weights) return;
    const width = this.cloud.labels.shape[1], [x, y] = this.cloud.labels.data.subarray(number * width, number * width + 2);
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (this.hovering !== mine) return;
    try {
      const {kind, steps} = painting.sampler;
      const answer = await packet(ofRun(this.name, "paint", {x, y, step: this.snapshot.step, sampler: kind === "ddpm" ? "ddim" : kind, steps: steps ?? 25, strip: 0}));
      if (this.hovering === mine) this.look(event, answer.image.data, answer.image.shape[0], {label: [x, y], reading: [answer.x, answer.y].map((value) => value ?? NaN)}, `label ${fixed(x, 1)}, ${fixed(y, 1)}, painted now: ${outcomeText(answer.outcome)}`);
    } catch { /* a label at the rim of the world: nothing to show */ }
  }

  look(event, pixels, n, marks, text) {
    drawImage(this.glass.querySelector("canvas"), pixels, n, 96, {...marks, sigma: this.details().painting.sigma_px});
    this.glass.querySelector("span").textContent = text;
    this.glass.hidden = false;
    const box = this.plot.scene.getBoundingClientRect(), x = (event?.clientX ?? box.left) - box.left, y = (event?.clientY ?? box.top) - box.top;
    this.glass.style.left = `${Math.max(4, x > box.width / 2 ? x - 170 : x + 18)}px`;
    this.glass.style.top = `${Math.max(4, Math.min(y - 20, box.height - 170))}px`;
  }

  unhover() {
    this.hovering = null;
    this.glass.hidden = true;
  }

  close() { clearTimeout(this.resting); this.plot.close(); }
}

const key = ({tap, t}) => `${tap}:${t}`;
