// @ts-check
// Sampling with a run's network: move the target, and the image follows.

import {Answers, json, ofRun, packet} from "./api.js";
import {absent, choice, fault, fixed, h, latest, numberInput} from "./html.js";
import {imageOf, picture} from "./images.js";
import * as interventions from "./intervention.js";
import {subscribe} from "./live.js";
import {ManifoldPanel} from "./manifold.js";
import {render} from "./preact.js";
import {address, numbersOf, remember} from "./route.js";
import {following, followKeys, scrubber} from "./scrubber.js";
import {targetPanel} from "./target.js";
import {describe, inOrder, marks, success, usualSampling, within} from "./world.js";

const STEPS = [1, 2, 4, 8, 12, 20, 35, 50, 100, 250, 500, 1000];
const LARGEST = 320;
const FRAME = 44;
const LEAST_GUIDANCE = -1;
const MOST_GUIDANCE = 6;
const MOST_SEED = 2 ** 32 - 1;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export async function open(root, {name, query}) {
  const details = await json(ofRun(name));
  const {sampling} = details;
  if (sampling.error || !storedOf(details).length) {
    const reason = sampling.error ?? "No weights of this run are stored, so no image can be generated.";
    render([heading(name), absent(reason)], root);
    return {};
  }
  const view = new SampleView(root, name, details);
  view.restore(query);
  return view;
}

const storedOf = ({snapshots}) => snapshots.filter(({weights}) => weights);

class SampleView {
  constructor(root, name, details) {
    this.root = root;
    this.name = name;
    this.details = details;
    this.stored = storedOf(details);
    this.usual = usualSampling(details.sampling);
    /** @type {any} what the address says, and the axes of the pad */
    this.state = {axes: [...details.axes]};
    /** @type {any} the latest answers, each with the label that it is of */
    this.known = {image: {}, earlier: {}, changed: {}, target: null};
    this.asked = 0;
    this.isBusy = false;
    this.update = this.update.bind(this);
    this.answers = new Answers(this.update);
    const save = () => this.save();
    const panel = {name, answers: this.answers, update: this.update, save, height: "20rem"};
    this.manifold = new ManifoldPanel(panel);
    // each question is asked with the latest target: images keep up with the hand however slow the network is
    this.ask = latest(start => this.sample(start));
    this.askBeside = latest(() => this.sampleBeside());
    const unfollow = followKeys(
      () => [this.state.index, this.stored.length],
      index => this.set({index})
    );
    const leave = subscribe(changed => changed.has(name) && this.follow());
    this.close = () => {
      leave();
      unfollow();
    };
  }

  question(index) {
    const {label, sampler, steps, seed, guidance} = this.state;
    const way = this.details.sampling.choice ? {sampler, steps} : {};
    return {
      label: label.join(),
      step: this.stored[index].step,
      ...way,
      seed,
      ...(guidance ? {guidance} : {})
    };
  }

  async sample(start) {
    const {label, index} = this.state;
    const {asked} = this;
    const query = this.question(index);
    try {
      const answer = await packet(ofRun(this.name, "generate", query));
      const {duration: ms} = performance.measure("pad-to-image", {
        start,
        end: performance.now(),
        detail: query
      });
      this.known.image = {answer, label, ms, steps: query.steps};
      this.state.change = interventions.withLayers(this.state.change, answer.layers);
    } catch (error) {
      this.known.image = {...this.known.image, error: error.message};
    }
    this.isBusy = this.asked !== asked;
    this.update();
    if (!this.isBusy) this.askBeside();
  }

  // what accompanies the image waits for it: intervention, the same label earlier, its place on the manifold
  async sampleBeside() {
    const {details, name, stored, known, manifold} = this;
    const {label, index, earlier, change} = this.state;
    if (!this.root.isConnected) return;
    const start = performance.now();
    const get = (kind, query) =>
      packet(ofRun(name, kind, query)).then(
        answer => ({answer}),
        ({message}) => ({answer: null, error: message})
      );
    if (change.how) {
      const second = interventions.secondLabel(change, label, details);
      const asked = {...this.question(index), ...interventions.asked(change, label, second)};
      const answered = await get("generate", asked);
      known.changed = {...answered, label, second, layer: change.layer, ms: performance.now() - start};
      this.update();
    }
    known.earlier = {...(await get("generate", {...this.question(earlier), strip: 0})), label};
    const {site, projection} = manifold;
    const isPlaced = details.sampling.continuous && site && projection === "pca";
    const asked = {site, step: stored[index].step, label: label.join()};
    const [x, y, z] = isPlaced ? ((await get("points", asked)).answer?.points.data ?? []) : [];
    known.target = x === undefined ? null : {x: [x], y: [y], z: [z]};
    this.update();
  }

  set(values) {
    Object.assign(this.state, values);
    this.isBusy = true;
    this.asked += 1;
    this.update();
    this.save();
    this.ask(performance.now());
  }

  // of the sampler, in one request: an intervention evaluates more images in each
  mostSteps(change) {
    const way = this.details.sampling.choice;
    return change.how ? way?.most_changed_steps : way?.most_steps;
  }

  setChange(values) {
    this.state.change = {...this.state.change, ...values};
    const most = this.mostSteps(this.state.change);
    if (this.state.steps > most) return this.set({steps: most});
    this.update();
    this.save();
    this.askBeside();
  }

  moved(values, isSecond) {
    const {details} = this;
    const {label, change} = this.state;
    const from = isSecond ? interventions.secondLabel(change, label, details) : label;
    const wanted = from.map((value, k) => values.get(k) ?? value);
    if (isSecond) this.setChange(interventions.aimed(change, label, wanted, details));
    else this.set({label: within(details.factors, wanted)});
  }

  // a factor comes to one side of the pad; the one that was there goes to the other if it must
  turn(side, factor) {
    const {axes} = this.state;
    const other = axes[1 - side] === factor ? axes[side] : axes[1 - side];
    this.state.axes = side ? [other, factor] : [factor, other];
    this.update();
  }

  save() {
    const {label, index, earlier, sampler, steps, guidance, seed, change} = this.state;
    const at = {label: label.join(), step: this.stored[index].step, earlier: this.stored[earlier].step};
    const way = {sampler, steps, guidance: guidance || null, seed: seed || null};
    const shown = {...interventions.interventionQuery(change), ...this.manifold.query(this.details)};
    remember("sample", this.name, {...at, ...way, ...shown});
  }

  restore(query) {
    const {details, stored, usual} = this;
    const {factors, sampling} = details;
    const number = (key, otherwise) =>
      query.get(key) && isFinite(query.get(key)) ? Number(query.get(key)) : otherwise;
    const at = (key, otherwise) => {
      const index = stored.findIndex(({step}) => step === number(key, NaN));
      return index < 0 ? otherwise : index;
    };
    const {samplers = []} = sampling.choice ?? {};
    const change = interventions.interventionFrom(query, details);
    const middle = factors.map(({low, high}) => low + 0.4 * (high - low));
    this.manifold.restore(query, details);
    this.set({
      label: within(factors, numbersOf(query.get("label"), factors.length) ?? middle),
      index: at("step", stored.length - 1),
      earlier: at("earlier", Math.floor((stored.length - 1) / 2)),
      sampler: samplers.includes(query.get("sampler")) ? query.get("sampler") : usual.sampler,
      steps: sampling.choice && clamp(Math.round(number("steps", usual.steps)), 1, this.mostSteps(change)),
      seed: clamp(Math.floor(number("seed", 0)), 0, MOST_SEED),
      guidance: sampling.guidance ? clamp(number("guidance", 0), LEAST_GUIDANCE, MOST_GUIDANCE) : 0,
      change
    });
  }

  // the run has changed on disk
  async follow() {
    const details = await json(ofRun(this.name)).catch(() => this.details);
    const before = this.stored.length;
    const stored = storedOf(details);
    if (stored.length === before || !this.root.isConnected) return;
    const {index, earlier} = this.state;
    Object.assign(this, {details, stored});
    this.set({index: following(index, before, stored.length), earlier: Math.min(earlier, stored.length - 1)});
  }

  update() {
    if (!this.root.isConnected) return;
    const {name, details, stored, usual, known, manifold} = this;
    const {label, index, earlier, change, axes} = this.state;
    const {answer} = known.image;
    const second = interventions.secondLabel(change, label, details);
    const size = sizeIn(this.root);
    const set = values => this.set(values);
    const slider = {details, snapshots: stored};
    const reading = known.image.label === label && answer ? inOrder(details, answer.read) : null;
    const events = {moved: (...given) => this.moved(...given), turn: (...given) => this.turn(...given)};
    const changed = {state: change, label, known: known.changed, size, set: values => this.setChange(values)};
    const earlierSlider = scrubber({
      ...slider,
      index: earlier,
      moved: i => set({earlier: i}),
      label: "earlier snapshot"
    });
    const hasEarlier = stored.length > 1;
    const panels = [
      targetPanel(details, {axes, label, reading, second}, events),
      imagePanel(details, known.image, size, this.isBusy),
      interventions.interventionPanel(details, changed),
      hasEarlier && earlierPanel(details, known.earlier, size, earlierSlider)
    ];
    const most = this.mostSteps(change);
    const sampling = [
      samplingPanel(details.sampling, this.state, {usual, most}, set),
      trajectoryPanel(answer)
    ];
    const cloud = manifold.view({details, snapshot: stored[index], samples: undefined, target: known.target});
    const page = [
      heading(name),
      h(
        "div.sticky",
        scrubber({...slider, index, moved: i => set({index: i}), label: "snapshot that generates"})
      ),
      h("div.sampling", panels),
      h("div.columns", h("div.column", sampling), cloud)
    ];
    render(page, this.root);
  }
}

const heading = name =>
  h("div.heading", h("h1", h("a", {href: address("run", name)}, name)), h("span.note", "sample images"));

// of an image, px: the width of a panel
function sizeIn(root) {
  const columns = innerWidth > 900 ? 4 : 2;
  const width = root.clientWidth || innerWidth;
  return Math.round(Math.min(LARGEST, width / columns - 42));
}

// an image with what was read in it, in words, and in data for whoever reads the page by a program
function readImage(details, {answer, label}, size, name, properties = {}) {
  if (!answer) return [h("canvas.image", {role: "img", "aria-label": name}), h("p.reading", properties)];
  const read = inOrder(details, answer.read);
  const error = inOrder(details, answer.error);
  const {outcome} = answer;
  const data = {"data-outcome": outcome ?? "", "data-read": read.join(), "data-label": label.join()};
  const isSuccess = outcome !== null && outcome === success(details) ? "" : null;
  const image = picture(imageOf(answer.image), size, marks(details, label, read), {
    role: "img",
    "aria-label": name,
    class: "image"
  });
  return [
    image,
    h(
      "p.reading",
      {...properties, ...data, "data-success": isSuccess},
      describe(details, {label, read, error, outcome}, 2)
    )
  ];
}

function imagePanel(details, known, size, isBusy) {
  const {ms, steps, error} = known;
  const speed = `${steps ? `${steps} steps, ` : ""}${Math.round(ms)} ms from the target to the image`;
  const live = {"aria-live": "polite", "aria-busy": Boolean(isBusy)};
  const image = readImage(details, known, size, "the generated image", live);
  const caption = h("figcaption", h("h2", "Image"));
  return h("figure.panel", caption, image, h("p.note", known.answer && speed), fault(error));
}

function earlierPanel(details, known, size, slider) {
  const image = readImage(details, known, size, "the same label at an earlier snapshot");
  return h("figure.panel", h("figcaption", h("h2", "Earlier")), image, fault(known.error), slider);
}

function samplingPanel(
  {choice: way, guidance: isGuided},
  {sampler, steps, guidance, seed},
  {usual, most},
  set
) {
  const counts = way ? [...new Set([...STEPS, usual.steps, steps])].filter(count => count <= most) : [];
  const samplers =
    way &&
    choice(
      "sampler",
      way.samplers.map(each => [each, each.replaceAll("_", " ")]),
      sampler,
      value => set({sampler: value})
    );
  const ordered = counts.sort((a, b) => a - b).map(count => [count, count]);
  const range = {
    type: "range",
    min: LEAST_GUIDANCE,
    max: MOST_GUIDANCE,
    step: 0.25,
    value: guidance,
    "aria-label": "guidance"
  };
  const slider = h("input", {...range, oninput: event => set({guidance: Number(event.target.value)})});
  const typed = value => set({seed: clamp(Math.floor(value), 0, MOST_SEED)});
  return h(
    "figure.panel",
    h("figcaption", h("h2", "Sampling")),
    h(
      "div.controls",
      samplers,
      way && choice("steps", ordered, steps, value => set({steps: Number(value)})),
      isGuided && h("label.field", h("span", "guidance"), slider, h("output", fixed(guidance))),
      h(
        "label.field",
        h("span", "seed"),
        numberInput("seed of the noise", seed, {min: 0, max: MOST_SEED, step: 1}, typed)
      ),
      h("button", {type: "button", onclick: () => typed(seed + 1)}, "next")
    ),
    way &&
      !isGuided &&
      h(
        "p.note",
        "Guidance is offered for networks that were trained without labels too (training.label_dropout)."
      )
  );
}

function trajectoryPanel(answer) {
  if (!answer || answer.strip.length < 2) return null;
  const {strip, noisy, estimates} = answer;
  const frame = (frames, i, text) => {
    const image = picture(imageOf(frames, i), FRAME, {}, {role: "img", "aria-label": `at t = ${strip[i]}`});
    return h("figure", image, h("figcaption", text));
  };
  const row = (frames, name, text) => {
    const box = {tabindex: 0, role: "group", "aria-label": `sampling trajectory: ${name}`};
    return h(
      "div.frames",
      box,
      strip.slice(0, frames.shape[0]).map((t, i) => frame(frames, i, text(t)))
    );
  };
  const times = row(noisy, "noisy images", t => (t < 0 ? "image" : t));
  const rows = [h("span", "x", h("sub", "t"), " at t ="), times, h("span", "estimate")];
  const caption = h("figcaption", h("h2", "Sampling trajectory"));
  return h(
    "figure.panel",
    caption,
    h(
      "div.trajectory",
      rows,
      row(estimates, "estimates", () => "")
    )
  );
}
