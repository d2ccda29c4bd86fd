// Painting with a run's network: move the target, and the image follows.

import {Kept, json, ofRun, packet} from "./api.js";
import {absent, choice, fixed, h, integer} from "./dom.js";
import {draw as drawImage, imageOf} from "./images.js";
import {Intervention} from "./intervention.js";
import {subscribe} from "./live.js";
import {ManifoldPanel} from "./manifold_panel.js";
import {address, numbersOf, remember} from "./route.js";
import {Scrubber} from "./scrubber.js";
import {Target} from "./target.js";
import {inOrder, marks, phaseOf, success, told, usualWay} from "./world.js";

const STEPS = [1, 2, 4, 8, 12, 20, 35, 50, 100, 250, 500, 1000];
const ASIDE_EVERY_MS = 250;

export async function open(root, route) {
  const {name} = route;
  let details = await json(ofRun(name));
  const {painting} = details, way = painting.choice, usual = usualWay(painting);
  root.append(h("div.heading", h("h1", h("a", {href: address("run", name)}, name)), h("span.note", "generate with it")));
  let stored = details.snapshots.filter((snapshot) => snapshot.weights);
  if (painting.error || !stored.length) {
    root.append(absent(painting.error ?? "No weights of this run are stored, so no image can be generated."));
    return {};
  }
  const kept = new Kept(), state = {};
  const image = h("canvas.image", {role: "img", "aria-label": "the generated image"}), earlierImage = h("canvas.image", {role: "img", "aria-label": "the same label at an earlier snapshot"});
  const reading = h("p.reading", {"aria-live": "polite"}), earlierReading = h("p.reading"), speed = h("p.note"), fault = h("p.fault", {hidden: true});
  const noisyRow = h("div.frames", {tabindex: 0, role: "group", "aria-label": "noisy images on the way"}), estimateRow = h("div.frames", {tabindex: 0, role: "group", "aria-label": "estimates on the way"});
  const target = new Target(details, () => want());
  const change = new Intervention({details, target, asked: (label, more) => ofRun(name, "paint", {...question(label, state.step), ...more}), size: () => size(), changed: save});
  const text = (snapshot) => `${integer(snapshot?.images_seen)} images · step ${integer(snapshot?.step)}`;
  const scrubber = new Scrubber({label: "snapshot that generates", moved: (index) => { state.step = stored[index].step; panel.move(stored[index]); want(); }, describe: (index) => text(stored[index])});
  const earlier = new Scrubber({label: "earlier snapshot", keys: false, moved: (index) => { state.earlier = stored[index].step; want(); }, describe: (index) => text(stored[index])});
  const counts = way ? [...new Set([...STEPS, usual.steps])].filter((count) => count <= way.most_steps).sort((a, b) => a - b) : [];
  const sampler = way ? choice("sampler", way.samplers.map((one) => [one, one.replaceAll("_", " ")]), usual.sampler, (value) => { state.sampler = value; want(); }) : null;
  const steps = way ? choice("steps", counts.map((count) => [count, count]), usual.steps, (value) => { state.steps = Number(value); want(); }) : null;
  const guidance = h("input", {type: "range", min: -1, max: 6, step: 0.25, "aria-label": "guidance", oninput: () => { state.guidance = Number(guidance.value); guided.textContent = fixed(state.guidance); want(); }});
  const guided = h("output");
  const seed = h("input", {type: "number", min: 0, max: 4294967295, step: 1, "aria-label": "seed of the noise", onchange: () => { state.seed = Math.max(0, Math.floor(Number(seed.value)) || 0); want(); }});
  const another = h("button", {type: "button", onclick: () => { state.seed += 1; seed.value = state.seed; want(); }}, "next");
  const panel = new ManifoldPanel({name, kept, changed: save, details: () => details, height: "20rem"});
  panel.onread = () => { panel.move(stored[scrubber.index]); want(); };
  const strips = h("figure.panel", h("figcaption", h("h2", "On the way to the image")), h("div.strip", h("span", "x", h("sub", "t"), " at t ="), noisyRow, h("span", "estimate"), estimateRow));

  root.append(
    h("div.sticky", scrubber.root),
    h("div.painting",
      h("figure.panel", h("figcaption", h("h2", "Target"), h("span.note", `trained on ${integer(painting.training.count)} ${details.factors.some(({categorical}) => categorical) ? "images" : "labels"}`)), target.root),
      h("figure.panel", h("figcaption", h("h2", "Image")), image, reading, speed, fault),
      change.root,
      h("figure.panel", h("figcaption", h("h2", "Earlier")), earlierImage, earlierReading, earlier.root)),
    h("div.columns", h("div.column",
      h("figure.panel", h("figcaption", h("h2", "Sampling")), h("div.controls", sampler, steps, painting.guidance ? h("label.field", h("span", "guidance"), guidance, guided) : null, h("label.field", h("span", "seed"), seed, another)),
        painting.guidance || !way ? null : h("p.note", "Guidance is offered for networks that were trained without labels too (training.label_dropout).")),
      strips),
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
      const {at} = wanted, label = target.label, asked = question(label, state.step);
      wanted = null;
      try {
        const answer = await packet(ofRun(name, "paint", asked));
        if (closed) return;
        show(answer, label);
        change.known(answer.taps);
        const took = performance.measure("pad-to-image", {start: at, end: performance.now(), detail: asked}).duration;
        speed.textContent = `${asked.steps ? `${asked.steps} steps, ` : ""}${Math.round(took)} ms from the target to the image${loaded ? "" : ", the network’s loading included"}`;
        loaded = true;
        fault.hidden = true;
      } catch (error) {
        fault.textContent = error.message;
        fault.hidden = false;
      }
      if (!wanted) reading.setAttribute("aria-busy", "false");
      if (!wanted || performance.now() - asideAt > asideEvery) besides(label);
    }
    asking = false;
  }

  // what accompanies the image waits for it, not the other way round; it takes a quarter of the time at most
  async function besides(label) {
    next = label;
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

  function question(label, step) {
    return {label: label.join(), step, ...(way ? {sampler: state.sampler, steps: state.steps} : {}), seed: state.seed, ...(painting.guidance && state.guidance ? {guidance: state.guidance} : {})};
  }

  const size = () => Math.min(320, image.parentElement.clientWidth - 26);

  // the image and, in words and in data for who reads the page by a program, what was read in it
  function tell(answer, label, canvas, words) {
    const read = inOrder(details, answer.read), error = inOrder(details, answer.error);
    drawImage(canvas, imageOf(answer.image), size(), marks(details, label, read));
    words.textContent = told(details, label, {read, error, outcome: answer.outcome}, 2);
    Object.assign(words.dataset, {outcome: answer.outcome ?? "", read: read.join(), label: label.join()});
    words.toggleAttribute("data-success", answer.outcome !== null && answer.outcome === success(details));
    return read;
  }

  function show(answer, label) {
    const read = tell(answer, label, image, reading);
    if (label === target.label) target.read(read);
    strips.hidden = answer.strip.length < 2;
    strip(noisyRow, answer, answer.noisy, (t) => (t < 0 ? "image" : t));
    strip(estimateRow, answer, answer.estimates, () => "");
  }

  function strip(row, answer, frames, under) {
    const [count] = frames.shape;
    row.hidden = row.previousSibling.hidden = !count;
    const side = Math.max(44, Math.min(72, Math.floor((row.clientWidth - 8 * (count - 1)) / count) - 2));
    while (row.children.length < count) row.append(h("figure", h("canvas", {role: "img"}), h("figcaption")));
    while (row.children.length > count) row.lastChild.remove();
    [...row.children].forEach((figure, i) => {
      drawImage(figure.firstChild, imageOf(frames, i), side);
      figure.firstChild.setAttribute("aria-label", `at t = ${answer.strip[i]}`);
      figure.lastChild.textContent = under(answer.strip[i]);
    });
  }

  // the same label earlier, and the place of its latent on the manifold
  async function aside(label) {
    try {
      await change.want();
      tell(await packet(ofRun(name, "paint", {...question(label, state.earlier), strip: 0})), label, earlierImage, earlierReading);
      panel.marks = {};
      if (!painting.continuous || !panel.place || panel.index() < 0 || panel.projection !== "pca") return;
      const {points} = await packet(ofRun(name, "points", {place: panel.place, step: state.step, label: label.join()}));
      panel.marks = {target: {x: [points.data[0]], y: [points.data[1]], z: [points.data[2]]}};
      if (!closed) await panel.draw();
    } catch (error) {
      earlierReading.textContent = error.message;
    }
  }

  function save() {
    if (!state.ready) return;
    remember("paint", name, {label: target.label.join(), step: state.step, earlier: state.earlier, sampler: state.sampler, steps: state.steps, guidance: state.guidance || null, seed: state.seed || null, ...change.query(), ...panel.query()});
  }

  function restore(query) {
    const number = (key, otherwise) => (query.has(key) && Number.isFinite(Number(query.get(key))) ? Number(query.get(key)) : otherwise);
    state.ready = false;
    if (way) {
      state.sampler = way.samplers.includes(query.get("sampler")) ? query.get("sampler") : usual.sampler;
      const asked = number("steps", usual.steps);
      state.steps = counts.reduce((best, count) => (Math.abs(count - asked) < Math.abs(best - asked) ? count : best), counts[0]);
      sampler.querySelector("select").value = state.sampler;
      steps.querySelector("select").value = state.steps;
    }
    state.seed = Math.max(0, Math.floor(number("seed", 0)));
    state.guidance = painting.guidance ? Math.min(Math.max(number("guidance", 0), -1), 6) : 0;
    seed.value = state.seed;
    guidance.value = state.guidance;
    guided.textContent = fixed(state.guidance);
    panel.restore(query);
    const of = (key, otherwise) => { const index = stored.findIndex((snapshot) => snapshot.step === number(key, NaN)); return index < 0 ? otherwise : index; };
    scrubber.set(stored.length, phases(), of("step", stored.length - 1));
    earlier.set(stored.length, phases(), of("earlier", Math.floor((stored.length - 1) / 2)));
    target.go(numbersOf(query.get("label"), details.factors.length) ?? details.factors.map(({low, high}) => low + 0.4 * (high - low)), true);
    change.restore(query);
    state.ready = true;
    want();
  }

  const phases = () => stored.map((snapshot) => phaseOf(details.lines.find((line) => line.step === snapshot.step)));

  restore(route.query);
  const leave = subscribe(async (changed) => {
    if (!changed.has(name)) return;
    let now;
    try { now = await json(ofRun(name)); } catch { return; }
    const more = now.snapshots.filter((snapshot) => snapshot.weights);
    if (more.length === stored.length || closed) return;
    details = now;
    stored = more;
    scrubber.set(stored.length, phases());
    earlier.set(stored.length, phases(), earlier.index);
    panel.grown();
  });
  return {restore, close: () => { closed = true; leave(); scrubber.close(); earlier.close(); panel.close(); target.close(); change.close(); }};
}
