// @ts-check
// What labels, readings and outcomes say, for any world; `details` is what details.py says of the run.

import {json, ofRun} from "./api.js";
import {fixed, known} from "./html.js";

// what curves can be drawn against: a number of each snapshot
export const UNITS = {
  images_seen: "images seen",
  step: "steps",
  epochs: "epochs",
  wall_s: "seconds of training",
  of_onset: "images seen / onset of C (its later end)"
};

// what the server says of a run; of_onset: images seen over those at which C, of the images, began for good
export async function detailsOf(name) {
  const details = await json(ofRun(name));
  const onset = details.row.phases?.behaviour?.onsets.C;
  const timed = lines => lines.map(line => ({...line, of_onset: onset ? line.images_seen / onset : null}));
  const [lines, scalars, meter] = [details.lines, details.scalars, details.meter].map(timed);
  return {...details, lines, scalars, meter};
}

// those that one of several runs has at every snapshot
export const unitsOf = several =>
  Object.entries(UNITS).filter(([unit]) => several.some(({lines}) => lines.every(line => known(line[unit]))));

// What a panel is drawn against: numbers of snapshots, of the training's log, or of readings of the meter.
// What a log does not say of a time lies between snapshots.
export function timesOf({lines, scalars, meter}, {over}, unit) {
  const times = new Map(lines.map(line => [line.step, line[unit]]));
  const logged = {scalars, meter}[over];
  if (!logged) return [...times.values()];
  const between = joined(
    logged.map(line => line.step),
    times
  );
  return logged.map((line, i) => line[unit] ?? between[i]);
}

// The ends and the middle of what a panel expects, given in images seen, in the unit of the x axis;
// null without any.
// Beyond the last snapshot training is taken to go on as it did on average.
export function expectedIn({lines}, {expected}, unit) {
  const last = lines.at(-1);
  if (!expected || !last?.images_seen || !known(last[unit])) return null;
  const times = new Map(lines.map(line => [line.images_seen, line[unit]]));
  const ends = [expected.low, expected.at, expected.high];
  const [low, at, high] = joined(ends, times).map(
    (time, i) => time ?? (ends[i] * last[unit]) / last.images_seen
  );
  return {...expected, low, at, high};
}

// numbers at `xs` of what is known at some: between two of them on a straight line, beyond them none
export function joined(xs, by) {
  const points = [...by].filter(([, y]) => known(y)).sort(([a], [b]) => a - b);
  return xs.map(x => {
    const next = points.findIndex(([at]) => at >= x);
    if (next < 0 || (next === 0 && points[0][0] > x)) return null;
    const [to, high] = points[next];
    const [from, low] = points[Math.max(next - 1, 0)];
    return to === from ? high : low + ((x - from) / (to - from)) * (high - low);
  });
}

// where a label and what was read of it are on the canvas: px, pixel centres from 1 on; {} without positions
export function marks({position}, label, read = null) {
  if (!position) return {};
  const at = values => position.map(k => values[k]);
  return {label: at(label), reading: read && at(read)};
}

const nameOf = (factor, value, digits) => factor.classes?.[value - factor.low] ?? fixed(value, digits);

export const labelText = ({factors}, label, digits = 1) =>
  factors.map((factor, k) => `${factor.name} ${nameOf(factor, label[k], digits)}`).join(", ");

// "label x 12.0, y 13.0; read x 12.1, y 13.0 (off by 0.1, 0.0): correct"
export function describe(details, {label, read = [], error = [], outcome = null}, digits = 1) {
  const {factors} = details;
  const readable = factors.map((_, k) => k).filter(k => Number.isFinite(read[k]));
  const estimates = readable.map(k => `${factors[k].name} ${nameOf(factors[k], read[k], digits)}`);
  const measured = readable.filter(k => !factors[k].categorical);
  const errors = measured.map(k => `${fixed(Math.abs(error[k]), digits)} ${factors[k].unit}`.trim());
  const off = errors.length ? ` (off by ${errors.join(", ")})` : "";
  const reading = estimates.length ? `; read ${estimates.join(", ")}${off}` : "";
  return `label ${labelText(details, label, digits)}${reading}${outcome ? `: ${outcome}` : ""}`;
}

// what the server read in one image, in the order of the factors
export const inOrder = ({factors}, byName) => factors.map(({name}) => byName?.[name] ?? NaN);

export const outcomeColour = ({outcomes}, name) =>
  outcomes.find(outcome => outcome.name === name)?.colour ?? "var(--line)";

export const success = ({outcomes}) => outcomes.at(-1)?.name ?? null;

// the line of the metrics at each snapshot
export const lineAt = ({lines}, snapshot) => lines.find(line => line.step === snapshot?.step);

// what is in a phase, and the reading that gives it its letter
const READINGS = {samples: "behaviour", activations: "sheet"};
const kindsIn = isRead => Object.keys(READINGS).filter(kind => isRead(READINGS[kind]));

// the kinds of which a run reads phases, and those of which any of some runs in the table does
export const kindsRead = ({lines}) => kindsIn(reading => lines.some(({phase}) => phase?.[reading]));
export const kindsOf = rows => kindsIn(reading => rows.some(({phases}) => phases?.[reading]));

// [kind, phases] of each kind that a run reads
export const phasesOf = (details, snapshots) =>
  kindsRead(details).map(kind => [
    kind,
    snapshots.map(snapshot => lineAt(details, snapshot)?.phase?.[READINGS[kind]] ?? null)
  ]);

// a label within the factors' ranges: whole where values are names, else to a 3200th of the range
export function within(factors, label) {
  return factors.map(({low, high, categorical}, k) => {
    const value = Math.min(Math.max(label[k], low), high);
    const step = categorical ? 1 : (high - low) / 3200;
    return Number((low + Math.round((value - low) / step) * step).toPrecision(10));
  });
}

const QUICK_STEPS = 25;
const MOST_PATIENT_STEPS = 100;

// how a run samples where nobody chooses: its own way, in no more steps than one waits for
export function usualSampling({choice}) {
  if (!choice) return {};
  const {sampler, steps, most_steps: most} = choice;
  return {sampler, steps: steps <= MOST_PATIENT_STEPS ? steps : Math.min(QUICK_STEPS, most)};
}
