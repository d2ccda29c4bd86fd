// @ts-check
// Activations at one snapshot, and where the generated images' labels lie among them; pointing shows images.

import {ofRun} from "./api.js";
import {choice, colour, dark, h, known, memo, percent} from "./html.js";
import {imageOf, picture, rowOf} from "./images.js";
import {ABOVE, cameraAt, cameraText, isFirst, Plot, shaded} from "./plot.js";
import {numbersOf} from "./route.js";
import {terms} from "./words.js";
import {describe, inOrder, labelText, marks, usualSampling} from "./world.js";

const OUTCOME = "outcome";
const ERROR = "error:";
const LABELS = "labels";
// of a factor's range: an error of so much, or more, has the last colour
const MOST_ERROR = 1 / 8;
const ERRORS = [
  [0, "#00224e"],
  [0.35, "#575d6d"],
  [0.65, "#a59c74"],
  [1, "#fee838"]
];
// of the magnified image, with its text, and of the image alone, px
const GLASS = 170;
const GLASS_IMAGE = 96;

const nowhere = {x: [], y: [], z: []};

// points (s, n, 3) of one snapshot as {x, y, z}
function axesOf(data, count, index = 0) {
  const from = 3 * count * index;
  const column = k => Array.from({length: count}, (_, i) => data[from + 3 * i + k]);
  return {x: column(0), y: column(1), z: column(2)};
}

function reachOf(data) {
  const sizes = Array.from(data, Math.abs).sort((a, b) => a - b);
  return sizes[Math.floor(0.999 * (sizes.length - 1))] || 1;
}

const indices = count => Array.from({length: count}, (_, i) => i);

// labels of samples as positions from -1 to 1 along the first three factors
function labelSpace({factors}, samples) {
  const position = (label, k) => {
    const {low, high} = factors[k] ?? {low: -1, high: 1};
    return (2 * ((label[k] ?? 0) - low)) / (high - low) - 1;
  };
  const column = k => indices(samples.count).map(i => position(samples.label(i), k));
  return {x: column(0), y: column(1), z: column(2)};
}

// the colour of each point, of the cloud, of the samples or of both; and the scale, if there is one
function coloursOf({factors}, colouring, cloud, samples) {
  const all = samples ? indices(samples.count) : [];
  if (colouring === OUTCOME) return {samples: all.map(i => samples.colour(i))};
  const isError = colouring?.startsWith(ERROR);
  const k = factors.findIndex(({name}) => name === colouring?.replace(ERROR, ""));
  if (k < 0) return {samples: all.map(() => colour("accent"))};
  const {scale, words, low, high} = factors[k];
  const most = MOST_ERROR * (high - low);
  if (isError) {
    // where nothing was read there is no error: as far as the scale goes
    const limited = error => (Number.isFinite(error) ? Math.min(Math.abs(error), most) : most);
    const errors = all.map(i => limited(samples.errors(i)[k]));
    const scale = {stops: ERRORS, low: 0, high: most, title: `error of ${words}`};
    return {samples: shaded(errors, scale), scale};
  }
  const width = factors.length;
  const count = cloud ? cloud.labels.shape[0] : 0;
  const values = indices(count).map(i => cloud.labels.data[i * width + k]);
  const sampled = all.map(i => samples.label(i)[k]);
  return {cloud: shaded(values, scale), samples: shaded(sampled, scale), scale: {...scale, title: words}};
}

function tracesOf({cloud, samples, chosen, target}, colours) {
  const ink = colour("ink");
  const mark = colour("target");
  const isFaint = !colours.cloud;
  const trace = (name, points, look) => ({name, ...(points ?? nowhere), ...look});
  const faint = {size: 3, colours: colour("muted"), opacity: 0.4};
  const ring = {ring: ink, width: isFaint ? 0.6 : 1.2};
  return [
    trace("cloud", cloud, isFaint ? faint : {size: 6, colours: colours.cloud, opacity: 0.9}),
    trace("samples", samples, {size: isFaint ? 8 : 7, colours: colours.samples, ...ring}),
    trace("chosen", chosen, {size: 14, isOpen: true, colours: mark, width: 3, text: chosen.text}),
    trace("target", target, {size: 13, shape: "diamond", colours: mark, ring: ink})
  ];
}

// name: of the run; update(): draws the page again; save(): writes the address
export class ManifoldPanel {
  constructor({name, answers, update, save, height = null}) {
    this.name = name;
    this.answers = answers;
    this.update = update;
    this.save = save;
    this.height = height;
    this.site = null;
    this.projection = "pca";
    this.colouring = null;
    this.camera = cameraAt(null);
    this.glass = null;
    this.drawn = memo();
    this.measured = memo();
    /** @type {any} what the page has now: details, snapshot, samples, selected, target */
    this.now = {};
  }

  restore(query, {latents, factors}) {
    const wanted = query.get("at");
    this.site = latents.some(({site}) => site === wanted) ? wanted : (latents[0]?.site ?? null);
    this.projection = query.get("proj") ?? "pca";
    this.colouring = query.get("colour") ?? factors[0]?.name ?? OUTCOME;
    this.camera = cameraAt(numbersOf(query.get("cam"), 3));
  }

  query({factors}) {
    const {site, projection, colouring, camera} = this;
    const isUsual = colouring === (factors[0]?.name ?? OUTCOME);
    const shown = {proj: projection === "pca" ? null : projection, colour: isUsual ? null : colouring};
    return {at: site, ...shown, cam: cameraText(camera)};
  }

  set(values) {
    Object.assign(this, values);
    this.update();
    this.save();
  }

  // whether the page has generated images, at this snapshot or at another
  hasImages() {
    const {details, samples} = this.now;
    return samples !== undefined && details.snapshots.some(snapshot => snapshot.samples);
  }

  projections() {
    const {latents, names, factors} = this.now.details;
    const stored = latents.find(({site}) => site === this.site)?.projections ?? [];
    const options = stored.map(name => [name, names.projections[name]]);
    return this.hasImages() && factors.length ? [...options, [LABELS, "label space"]] : options;
  }

  choices() {
    const {factors, outcomes, latents} = this.now.details;
    const {site, projection, colouring} = this;
    const errors = factors.map(({name}) => [ERROR + name, `error of ${name}`]);
    const read = outcomes.length && this.hasImages() ? [[OUTCOME, "outcome"], ...errors] : [];
    const colours = [...factors.map(({name}) => [name, name]), ...read];
    const sites = latents.map(({site, words}) => [site, words]);
    return h(
      "div.controls",
      sites.length > 0 && choice("activations at", sites, site, value => this.set({site: value})),
      choice("projection", this.projections(), projection, value => this.set({projection: value})),
      colours.length > 0 && choice("colour", colours, colouring, value => this.set({colouring: value}))
    );
  }

  /**
   * The clouds of all snapshots come at once, points once the slider rests.
   * @returns {any} {cloud, index, points, error, isAsked}
   */
  read() {
    const {details, snapshot, samples} = this.now;
    const {name, site, projection} = this;
    const count = details.snapshots.length;
    if (!site || projection === LABELS || !projection) return {};
    const {answer: cloud, error} = this.answers.get(ofRun(name, "cloud", {site, projection, of: count}));
    const index = cloud?.steps.indexOf(snapshot?.step) ?? -1;
    // a UMAP has no map for further activations; those of the samples' labels take the network
    const isMapped = index >= 0 && projection === "pca" && snapshot.weights && !details.sampling.error;
    if (!samples || !isMapped) return {cloud, index, error};
    const url = ofRun(name, "points", {site, projection, step: snapshot.step, of: count});
    const points = this.answers.get(url, true);
    return {cloud, index, points: points.answer?.points, error: error ?? points.error, isAsked: true};
  }

  figure({cloud, index, points}) {
    const {details, samples, selected = new Set(), target} = this.now;
    const isLabels = this.projection === LABELS;
    const values = index >= 0 ? cloud : null;
    const stored = points && axesOf(points.data, points.shape[0]);
    const sampled = samples && isLabels ? labelSpace(details, samples) : stored;
    const few = sampled ? [...selected].filter(i => i < sampled.x.length) : [];
    const along = axis => few.map(i => sampled[axis][i]);
    const text = few.map(i => labelText(details, samples.label(i), 0));
    const shown = {
      cloud: values && axesOf(cloud.points.data, cloud.points.shape[1], index),
      samples: sampled,
      chosen: {x: along("x"), y: along("y"), z: along("z"), text},
      target: isLabels ? null : target
    };
    const colours = coloursOf(details, this.colouring, values, samples);
    const reach = isLabels ? 1.1 : this.measured([cloud], () => (cloud ? reachOf(cloud.points.data) : 1));
    const names = isLabels ? details.factors.map(({words}) => words) : [];
    const camera = isLabels && isFirst(this.camera) ? ABOVE : this.camera;
    return {traces: tracesOf(shown, colours), scale: colours.scale, reach: 1.02 * reach, camera, names};
  }

  note({cloud, index, points, error, isAsked}) {
    const {samples} = this.now;
    if (error) return error;
    if (!this.projection) return "No snapshot of this run has activations.";
    if (this.projection === LABELS) return samples ? `${samples.count} generated images at their labels` : "";
    if (!cloud) return "";
    if (index < 0) return "This snapshot has no activations of this layer.";
    const share = cloud.shares?.[index];
    const held = `the three components hold ${percent(share)} of the variance`;
    const ringed = points && `${points.shape[0]} of generated images, ringed`;
    const waiting = isAsked && "those of generated images are being computed";
    const parts = [`${cloud.labels.shape[0]} labels`, ringed || waiting];
    return [...parts, known(share) ? held : "UMAP as the run took it"].filter(Boolean).join(" · ");
  }

  label({cloud}) {
    const {details, snapshot, samples} = this.now;
    const {site, projection, colouring} = this;
    const words = details.latents.find(latents => latents.site === site)?.words;
    const latents = `activations at ${words} of ${cloud?.labels.shape[0] ?? 0} labels`;
    const points =
      projection === LABELS ? `${samples?.count ?? 0} generated images at their labels` : latents;
    const colours = `coloured by ${colouring?.replace(ERROR, "error of ")}`;
    const keys = "drag, or use the arrow keys, to turn; + and − come nearer and go away";
    return `${points} at step ${snapshot?.step}, in three dimensions, ${colours}; ${keys}`;
  }

  hovered(trace, number, {x, y, width, height}) {
    const {details, snapshot, selected} = this.now;
    const left = `${Math.max(4, x > width / 2 ? x - GLASS : x + 18)}px`;
    const style = {left, top: `${Math.max(4, Math.min(y - 20, height - GLASS))}px`};
    if (trace === "chosen") this.glass = {style, sample: [...selected][number]};
    if (trace === "samples") this.glass = {style, sample: number};
    if (trace === "cloud" && !details.sampling.error && snapshot.weights) {
      this.glass = {style, label: rowOf(this.read().cloud.labels, number)};
    }
    this.update();
  }

  left() {
    this.glass = null;
    this.update();
  }

  // the image of what is pointed at: a stored one, or that of a label, generated now
  magnified() {
    const {details, snapshot, samples} = this.now;
    const {sample, label, style} = this.glass ?? {};
    const show = (image, marked, text) => {
      const names = {role: "img", "aria-label": "the image of the point under the pointer"};
      return h("div.glass", {style}, picture(image, GLASS_IMAGE, marked, names), h("span", text));
    };
    if (sample !== undefined && samples) {
      return show(samples.image(sample), samples.marks(sample), samples.describe(sample));
    }
    if (!label) return h("div.glass", {hidden: true});
    const asked = {label: label.join(), step: snapshot.step, ...usualSampling(details.sampling), strip: 0};
    const {answer} = this.answers.get(ofRun(this.name, "generate", asked), true);
    if (!answer) return h("div.glass", {hidden: true});
    const read = inOrder(details, answer.read);
    const error = inOrder(details, answer.error);
    const text = describe(details, {label, read, error, outcome: answer.outcome});
    return show(imageOf(answer.image), marks(details, label, read), `${text}, generated now`);
  }

  view(now) {
    if (now.snapshot !== this.now.snapshot) this.glass = null;
    this.now = now;
    const options = this.projections();
    if (!options.some(([key]) => key === this.projection)) this.projection = options[0]?.[0] ?? null;
    const {site, projection, colouring, camera, height} = this;
    const read = this.read();
    const events = {
      moved: moved => this.set({camera: moved}),
      hovered: (...point) => this.hovered(...point),
      left: () => this.left()
    };
    const shown = [read.cloud, read.index, read.points, now.samples, now.selected, now.target];
    const chosen = [site, projection, colouring, camera, dark.matches];
    const make = () => h(Plot, {figure: this.figure(read), label: this.label(read), height, ...events});
    const caption = h("figcaption", h("h2", "Manifold of activations"), terms(["latents", "layer"]));
    const stage = projection && h("div.stage", this.drawn([...shown, ...chosen], make), this.magnified());
    return h(
      "figure.panel.manifold",
      caption,
      projection && this.choices(),
      stage,
      h("p.note", this.note(read))
    );
  }
}
