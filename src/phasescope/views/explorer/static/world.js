// What labels, readings and outcomes say, for whatever world a run is of; `details` is what details.py tells of the run.

import {fixed, known} from "./dom.js";

// what curves can be drawn against: a number of each snapshot
export const UNITS = {images_seen: "images seen", step: "steps", epochs: "epochs", wall_s: "seconds of training", of_images: "images since C of images", of_latents: "images since C of latents"};

// those that one of several runs has at every snapshot
export const unitsOf = (several) => Object.entries(UNITS).filter(([unit]) => several.some(({lines}) => lines.every((line) => known(line[unit]))));

// a run's details, each snapshot with the images seen since the onsets of phase C
export function timed(details) {
  const {behaviour, sheet, representation} = details.row.phases ?? {};
  for (const line of details.lines)
    for (const [unit, phases] of [["of_images", behaviour], ["of_latents", sheet ?? representation]]) line[unit] = known(phases?.onsets.C) ? line.images_seen - phases.onsets.C : null;
  return details;
}

// the numbers against which a panel's curves are drawn: of each snapshot, or of each line of the training's log
export function timesOf({lines, scalars}, {over}, unit) {
  const times = new Map(lines.map((line) => [line.step, line[unit]]));
  return over === "scalars" ? joined(scalars, times) : [...times.values()];
}

// numbers at `xs` of what is known at some: between two of them a line goes straight on, beyond them there is none
export function joined(xs, by) {
  const at = [...by.keys()].filter((x) => by.get(x) !== null && by.get(x) !== undefined).sort((a, b) => a - b);
  let i = 0;
  return xs.map((x) => {
    if (!at.length || x < at[0] || x > at[at.length - 1]) return null;
    while (at[i + 1] <= x) i++;
    const [from, to] = [at[i], at[Math.min(i + 1, at.length - 1)]];
    return to === from ? by.get(from) : by.get(from) + ((x - from) / (to - from)) * (by.get(to) - by.get(from));
  });
}

const QUICK_STEPS = 25, MOST_PATIENT_STEPS = 100;

// where a label and what was read of it are on the canvas: px, pixel centres from 1 on; nothing where no factors are a place
export function marks({position}, label, read) {
  if (!position) return {};
  const at = (values) => position.map((k) => values?.[k] ?? NaN);
  return {label: at(label), reading: at(read)};
}

export const labelText = ({factors}, label, digits = 1) => factors.map((factor, k) => `${factor.name} ${factor.classes?.[label[k] - factor.low] ?? fixed(label[k], digits)}`).join(", ");

// "label x 12.0, y 13.0; read x 12.1, y 13.0 (off by 0.1, 0.0): correct"
export function told(details, label, {read = [], error = [], outcome = null}, digits = 1) {
  const found = details.factors.map((factor, k) => [factor, read[k], error[k]]).filter(([, value]) => Number.isFinite(value));
  const estimates = found.map(([factor, value]) => `${factor.name} ${factor.classes?.[value - factor.low] ?? fixed(value, digits)}`).join(", "), off = found.filter(([{categorical}]) => !categorical).map(([factor, , value]) => `${fixed(Math.abs(value), digits)}${factor.unit ? ` ${factor.unit}` : ""}`).join(", ");
  return `label ${labelText(details, label, digits)}${found.length ? `; read ${estimates}${off ? ` (off by ${off})` : ""}` : ""}${outcome ? `: ${outcome}` : ""}`;
}

// what the server read in one image, in the order of the factors
export const inOrder = ({factors}, byName) => factors.map(({name}) => byName?.[name] ?? NaN);

export const outcomeColour = ({outcomes}, name) => outcomes.find((one) => one.name === name)?.colour ?? "var(--line)";

export const success = ({outcomes}) => outcomes[outcomes.length - 1]?.name ?? null;

// of behaviour; where nothing reads the images, of the representation
export const phaseOf = (line) => line?.phase?.behaviour ?? line?.phase?.representation ?? null;

// a label within the factors' ranges: whole where values are names, else to a 3200th of the range
export function within(factors, label) {
  return factors.map(({low, high, categorical}, k) => {
    const value = Math.min(Math.max(label[k], low), high), step = categorical ? 1 : (high - low) / 3200;
    return Number((low + Math.round((value - low) / step) * step).toPrecision(10));
  });
}

// how a run paints where nobody chooses: its own way, in no more steps than one waits for
export function usualWay({choice}) {
  return choice ? {sampler: choice.sampler, steps: choice.steps <= MOST_PATIENT_STEPS ? choice.steps : Math.min(QUICK_STEPS, choice.most_steps)} : {};
}
