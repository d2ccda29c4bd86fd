// Painting with a run's network: drag the target, and the image follows.

import {Kept, json, ofRun, packet} from "./api.js";
import {absent, choice, fixed, h, integer} from "./dom.js";
import {draw as drawImage, outcomeText} from "./images.js";
import {subscribe} from "./live.js";
import {ManifoldPanel} from "./manifold_panel.js";
import {Pad} from "./pad.js";
import {address, remember} from "./route.js";
import {Scrubber} from "./scrubber.js";

const SAMPLERS = {dpm_solver: "DPM-Solver++ (2M)", ddim: "DDIM", ddpm: "DDPM’s noise"};
const STEPS = [1, 2, 4, 8, 12, 20, 35, 50, 100, 250, 500, 1000];
const ASIDE_EVERY_MS = 250;

export async function open(root, route) {
  const {name} = route;
  let details = await json(ofRun(name));
  const {painting} = details;
  root.append(h("div.heading", h("h1", h("a", {href: address("run", name)}, name)), h("span.note", "paint with it")));
  let stored = details.snapshots.filter((snapshot) => snapshot.weights);
  if (painting.error || !stored.length) {
    root.append(absent(painting.error ? `This version cannot paint with it: ${painting.error}` : "No weights of this run are stored, so there is nothing to paint with."));
    return {};
  }
  const kept = new Kept(), state = {};
  const image = h("canvas.image", {"aria-label": "the painted image"}), earlierImage = h("canvas.image", {"aria-label": "the same label at an earlier snapshot"});
  const reading = h("p.reading", {"aria-live": "polite"}), earlierReading = h("p.reading"), speed = h("p.note"), fault = h("p.fault", {hidden: true});
  const noisyRow = h("div.frames"), estimateRow = h("div.frames");
  const pad = new Pad(painting, (x, y) => { write(x, y); want(); });
  const text = (snapshot) => `${integer(snapshot?.images_seen)} images · step ${integer(snapshot?.step)}`;
  const scrubber = new Scrubber({label: "snapshot that paints", moved: (index) => { state.step = stored[index].step; panel.move(stored[index]); want(); }, describe: (index) => text(stored[index])});
  const earlier = new Scrubber({label: "earlier snapshot", keys: false, moved: (index) => { state.earlier = stored[index].step; want(); }, describe: (index) => text(stored[index])});
  const numbers = painting.factors.map((factor, k) => h("input", {type: "number", step: 0.25, min: factor.low, max: factor.high, "aria-label": `${factor.name} of the target, ${factor.unit}`, onchange: (event) => {
    const wanted = [...pad.target];
    wanted[k] = Number(event.target.value);
    pad.go(...wanted);
  }}));
  const sampler = choice("sampler", Object.entries(SAMPLERS), "ddim", (value) => { state.sampler = value; want(); });
  const counts = [...new Set([...STEPS, painting.sampler.steps ?? 20])].filter((count) => count <= painting.schedule_steps).sort((a, b) => a - b);
  const steps = choice("steps", counts.map((count) => [count, count]), 20, (value) => { state.steps = Number(value); want(); });
  const guidance = h("input", {type: "range", min: -1, max: 6, step: 0.25, "aria-label": "guidance", oninput: () => { state.guidance = Number(guidance.value); guided.textContent = fixed(state.guidance); want(); }});
  const guided = h("output");
  const seed = h("input", {type: "number", min: 0, max: 4294967295, step: 1, "aria-label": "seed of the noise", onchange: () => { state.seed = Math.max(0, Math.floor(Number(seed.value)) || 0); want(); }});
  const another = h("button", {type: "button", onclick: () => { state.seed += 1; seed.value = state.seed; want(); }}, "next");
  const panel = new ManifoldPanel({name, kept, changed: save, details: () => details, height: "20rem"});
  panel.onread = () => { panel.move(stored[scrubber.index]); want(); };

  root.append(
    h("div.sticky", scrubber.root),
    h("div.painting",
      h("figure.panel", h("figcaption", h("h3", "Target"), h("span.note", `${integer(painting.grid_labels)} labels were learnt`)), pad.root,
        h("div.controls", painting.factors.map((factor, k) => h("label.field", h("span", `${factor.name}, ${factor.unit}`), numbers[k])))),
      h("figure.panel", h("figcaption", h("h3", "Image")), image, reading, speed, fault),
      h("figure.panel", h("figcaption", h("h3", "Earlier")), earlierImage, earlierReading, earlier.root)),
    h("div.columns", h("div.column",
      h("figure.panel", h("figcaption", h("h3", "Way")), h("div.controls", sampler, steps, painting.guidance ? h("label.field", h("span", "guidance"), guidance, guided) : null, h("label.field", h("span", "seed"), seed, another)),
        painting.guidance ? null : h("p.note", "Guidance is offered for networks that were trained without labels too (training.label_dropout).")),
      h("figure.panel", h("figcaption", h("h3", "From noise to image")), h("div.strip", h("span", "x", h("sub", "t"), " at t ="), noisyRow, h("span", "estimate"), estimateRow))),
    panel.root));

  // One question at a time, always with the latest target: images keep up with the hand however slow the network is.
  let wanted = null, asking = false, loaded = false, closed = false;
  let next = null, beside = false, asideAt = 0, asideEvery = ASIDE_EVERY_MS;

  function want() {
    if (closed || !state.ready) return;
    wanted = {at: performance.now()};
    reading.setAttribute("aria-busy", "true");
    save();
    if (!asking) follow();
  }

  async function follow() {
    asking = true;
    while (wanted && !closed) {
      const {at} = wanted, asked = question(state.step);
      wanted = null;
      try {
        const answer = await packet(ofRun(name, "paint", asked));
        if (closed) return;
        show(answer, asked);
        const took = performance.measure("pad-to-image", {start: at, end: performance.now(), detail: asked}).duration;
        speed.textContent = `${asked.steps} steps, ${Math.round(took)} ms from the pad to the image${loaded ? "" : ", the network’s loading included"}`;
        loaded = true;
        fault.hidden = true;
      } catch (error) {
        fault.textContent = error.message;
        fault.hidden = false;
      }
      if (!wanted) reading.setAttribute("aria-busy", "false");
      if (!wanted || performance.now() - asideAt > asideEvery) besides(asked);
    }
    asking = false;
  }

  // what accompanies the image waits for it, not the other way round; it takes a quarter of the time at most
  async function besides(asked) {
    next = asked;
    if (beside) return;
    beside = true;
    while (next && !closed) {
      const now = next, began = performance.now();
      next = null;
      await aside(now);
      asideAt = performance.now();
      asideEvery = Math.max(ASIDE_EVERY_MS, 4 * (asideAt - began));
    }
    beside = false;
  }

  function question(step) {
    const [x, y] = pad.target;
    return {x, y, step, sampler: state.sampler, steps: state.steps, seed: state.seed, ...(painting.guidance && state.guidance ? {guidance: state.guidance} : {})};
  }

  const size = () => Math.min(320, image.parentElement.clientWidth - 26);
  const found = (answer) => [answer.x, answer.y].map((value) => value ?? NaN);

  function tell(answer, {x, y}) {
    if (answer.bumps !== 1 || answer.x === null) return `${outcomeText(answer.outcome)}`;
    return `bump at ${fixed(answer.x)}, ${fixed(answer.y)}; ${fixed(Math.hypot(answer.dx, answer.dy))} px from ${fixed(x)}, ${fixed(y)}: ${outcomeText(answer.outcome)}`;
  }

  function show(answer, asked) {
    const n = answer.image.shape[0], at = found(answer);
    drawImage(image, answer.image.data, n, size(), {label: [asked.x, asked.y], reading: at, sigma: painting.sigma_px});
    reading.textContent = tell(answer, asked);
    reading.dataset.outcome = answer.outcome;
    Object.assign(reading.dataset, {x: at[0], y: at[1], targetX: asked.x, targetY: asked.y});
    if (asked.x === pad.target[0] && asked.y === pad.target[1]) pad.read(at.every(Number.isFinite) ? at : null);
    strip(answer, n);
  }

  function strip(answer, n) {
    const side = Math.max(44, Math.min(72, Math.floor((noisyRow.clientWidth - 8 * (answer.strip.length - 1)) / answer.strip.length) - 2));
    for (const [row, frames] of [[noisyRow, answer.noisy], [estimateRow, answer.estimates]]) {
      while (row.children.length < answer.strip.length) row.append(h("figure", h("canvas"), h("figcaption")));
      while (row.children.length > answer.strip.length) row.lastChild.remove();
      answer.strip.forEach((t, i) => {
        drawImage(row.children[i].firstChild, frames.data.subarray(i * n * n, (i + 1) * n * n), n, side);
        row.children[i].lastChild.textContent = row === noisyRow ? (t < 0 ? "image" : t) : "";
      });
    }
  }

  // the same label earlier, and the places of both latents on the manifold
  async function aside(asked) {
    const before = {...asked, step: state.earlier, strip: 0};
    try {
      const answer = await packet(ofRun(name, "paint", before));
      drawImage(earlierImage, answer.image.data, answer.image.shape[0], size(), {label: [asked.x, asked.y], reading: found(answer), sigma: painting.sigma_px});
      earlierReading.textContent = tell(answer, asked);
      earlierReading.dataset.outcome = answer.outcome;
      if (!panel.place || panel.index() < 0) return;
      const {points} = await packet(ofRun(name, "points", {...panel.where(), step: asked.step, x: asked.x, y: asked.y}));
      panel.marks = {target: {x: [points.data[0]], y: [points.data[1]], z: [points.data[2]]}};
      if (!closed) await panel.draw();
    } catch (error) {
      earlierReading.textContent = error.message;
    }
  }

  function write(x, y) {
    [x, y].forEach((value, k) => { if (document.activeElement !== numbers[k]) numbers[k].value = value; });
  }

  function save() {
    if (!state.ready) return;
    const [x, y] = pad.target;
    remember("paint", name, {x, y, step: state.step, earlier: state.earlier, sampler: state.sampler, steps: state.steps, guidance: state.guidance || null, seed: state.seed || null, ...panel.query()});
  }

  function restore(query) {
    const number = (key, otherwise) => (query.has(key) && Number.isFinite(Number(query.get(key))) ? Number(query.get(key)) : otherwise);
    state.ready = false;
    const {kind} = painting.sampler;
    state.sampler = SAMPLERS[query.get("sampler")] ? query.get("sampler") : kind === "ddpm" ? "ddim" : kind;
    const asked = number("steps", painting.sampler.steps ?? 25);
    state.steps = counts.reduce((best, count) => (Math.abs(count - asked) < Math.abs(best - asked) ? count : best), counts[0]);
    state.seed = Math.max(0, Math.floor(number("seed", 0)));
    state.guidance = painting.guidance ? Math.min(Math.max(number("guidance", 0), -1), 6) : 0;
    sampler.querySelector("select").value = state.sampler;
    steps.querySelector("select").value = state.steps;
    seed.value = state.seed;
    guidance.value = state.guidance;
    guided.textContent = fixed(state.guidance);
    panel.restore(query);
    const of = (key, otherwise) => { const index = stored.findIndex((snapshot) => snapshot.step === number(key, NaN)); return index < 0 ? otherwise : index; };
    const phases = stored.map((snapshot) => details.lines.find((line) => line.step === snapshot.step)?.phase?.behaviour ?? null);
    scrubber.set(stored.length, phases, of("step", stored.length - 1));
    earlier.set(stored.length, phases, of("earlier", Math.floor((stored.length - 1) / 2)));
    const [fx, fy] = painting.factors;
    pad.go(number("x", fx.low + 0.4 * (fx.high - fx.low)), number("y", fy.low + 0.4 * (fy.high - fy.low)), true);
    write(...pad.target);
    state.ready = true;
    want();
  }

  restore(route.query);
  const leave = subscribe(async (changed) => {
    if (!changed.has(name)) return;
    let now;
    try { now = await json(ofRun(name)); } catch { return; }
    const more = now.snapshots.filter((snapshot) => snapshot.weights);
    if (more.length === stored.length || closed) return;
    details = now;
    stored = more;
    const phases = stored.map((snapshot) => details.lines.find((line) => line.step === snapshot.step)?.phase?.behaviour ?? null);
    scrubber.set(stored.length, phases);
    earlier.set(stored.length, phases, earlier.index);
    panel.grown();
  });
  return {restore, close: () => { closed = true; leave(); scrubber.close(); earlier.close(); panel.close(); pad.close(); }};
}
