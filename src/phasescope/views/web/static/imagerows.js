// @ts-check
// Images of several runs at one moment of their training: a row for each run, a column for each label.

import {Answers, ofRun} from "./api.js";
import {nearest} from "./axes.js";
import {h, integer, known} from "./html.js";
import {picture, Samples} from "./images.js";
import {labelText, lineAt} from "./world.js";

const MOST_ROWS = 8;
const COLUMNS = 10;
const SIZE = 58; // of an image, CSS pixels

// the snapshot with images that lies nearest to `time` on an axis of `unit`; undefined if there is none
export function snapshotNear(details, unit, time) {
  const stored = details.snapshots.filter(
    snapshot => snapshot.samples && known(lineAt(details, snapshot)?.[unit])
  );
  return stored[
    nearest(
      stored.map(snapshot => lineAt(details, snapshot)[unit]),
      time
    )
  ];
}

const keyOf = (samples, i) => `${samples.splits[i]} ${samples.label(i).join()}`;

function evenly(values, most) {
  const count = Math.min(most, values.length);
  return Array.from({length: count}, (_, k) => values[Math.floor((k * values.length) / count)]);
}

// Indices of images by run, one a column: of labels that all have, else of each run's own labels.
function columnsOf(several) {
  const indices = several.map(
    samples => new Map(Array.from({length: samples.count}, (_, i) => [keyOf(samples, i), i]))
  );
  const names = several.map(({details}) => details.factors.map(({name}) => name).join());
  const isShared = key => indices.every(index => index.has(key));
  const areAlike = names.every(name => name === names[0]);
  const shared = areAlike && indices.length ? [...indices[0].keys()].filter(isShared) : [];
  if (!shared.length)
    return {isShared: false, columns: indices.map(index => evenly([...index.values()], COLUMNS))};
  const keys = evenly(shared, COLUMNS);
  return {isShared: true, columns: indices.map(index => keys.map(key => index.get(key)))};
}

// Noise is drawn from a run's seed, a batch of all its labels at a time: it is one only where all these are.
function haveSameNoise(several) {
  const drawnFrom = ({details: {config}, answer: {images, labels}}) =>
    [config.seed, config.probing?.batch, images.shape.slice(1), labels.data.join()].join(";");
  return new Set(several.map(drawnFrom)).size === 1;
}

export class ImageRows {
  // arrived(): called when further images are here
  constructor(arrived) {
    this.answers = new Answers(arrived);
    /** @type {Map<string, Samples>} the last ones of each run, which stay until the next ones are here */
    this.last = new Map();
    this.all = false;
    this.arrived = arrived;
  }

  forget() {
    this.answers.clear();
    this.last.clear();
  }

  // {details, snapshot, samples, problem} of a run
  row(details, unit, time) {
    const snapshot = snapshotNear(details, unit, time);
    if (!snapshot) return {details, problem: "stores no images"};
    const {name} = details.row;
    const {answer, error} = this.answers.get(ofRun(name, "samples", {step: snapshot.step}));
    if (answer && this.last.get(name)?.answer !== answer) this.last.set(name, new Samples(answer, details));
    return {details, snapshot, samples: error ? null : this.last.get(name), problem: error};
  }

  // The panel, or null if no run stores images. head(details): what a run's row begins with.
  view(several, {unit, time, head}) {
    if (!several.some(details => snapshotNear(details, unit, time))) return null;
    const shown = this.all ? several : several.slice(0, MOST_ROWS);
    const rows = shown.map(details => this.row(details, unit, time));
    const read = rows.filter(({samples}) => samples?.count);
    const {isShared, columns} = columnsOf(read.map(({samples}) => samples));
    const line = row => tableRow(row, columns[read.indexOf(row)] ?? [], head(row.details));

    const box = {tabindex: 0, role: "group", "aria-label": "generated images of each run"};
    const table = h(
      "table.images",
      isShared && headings(read[0].samples, columns[0]),
      h("tbody", rows.map(line))
    );
    return h(
      "figure.panel",
      {"data-key": "images"},
      h("figcaption", h("h2", "Generated images")),
      h("div.tablebox", box, table),
      several.length > MOST_ROWS && this.moreOrFewer(several.length - MOST_ROWS),
      h(
        "p.note",
        read.length > 0 &&
          noteOf(
            read.map(({samples}) => samples),
            isShared
          )
      )
    );
  }

  moreOrFewer(beyond) {
    const toggle = () => {
      this.all = !this.all;
      this.arrived();
    };
    const more = {type: "button", "aria-expanded": this.all, onclick: toggle};
    return h("button", more, this.all ? `show ${MOST_ROWS} runs` : `show ${beyond} more runs`);
  }
}

const headings = (samples, indices) => {
  const text = i => labelText(samples.details, samples.label(i));
  return h(
    "thead",
    h(
      "tr",
      h("td"),
      indices.map(i => h("th", {scope: "col"}, text(i)))
    )
  );
};

function tableRow({snapshot, samples, problem}, indices, head) {
  const moment = snapshot && `${integer(snapshot.images_seen)} images, step ${integer(snapshot.step)}`;
  const text = problem ?? (samples ? "" : "…");
  return h(
    "tr",
    h("th", {scope: "row"}, head, h("div.note", moment)),
    text ? h("td", {colspan: COLUMNS}, text) : indices.map(i => h("td", image(samples, i)))
  );
}

function image(samples, i) {
  const text = samples.describe(i);
  const properties = {role: "img", "aria-label": text, title: text, style: {"--outcome": samples.colour(i)}};
  return picture(samples.image(i), SIZE, samples.marks(i), properties);
}

function noteOf(several, isShared) {
  const snapshots = "Of each run the snapshot nearest to the slider.";
  if (several.length < 2) return snapshots;
  if (!isShared) return `${snapshots} No label is shared by all runs: each row has labels of its own.`;
  const noise = haveSameNoise(several)
    ? "the same noise"
    : "noise of their own, since it is drawn from seed and set of labels";
  return `${snapshots} A column has one label; the runs have ${noise}.`;
}
