// What labels, readings and outcomes say, for whatever world a run is of; `details` is what details.py tells of the run.

import {fixed, known} from "./dom.js";

// what curves can be drawn against: a number of each snapshot
export const UNITS = {images_seen: "images seen", step: "steps", epochs: "epochs", wall_s: "seconds of training", of_images: "images since C of images", of_latents: "images since C of latents"};

// those that one of several runs has at every snapshot
export const unitsOf = (several) => Object.entries(UNITS).filter(([unit]) => several.some(({lines}) => lines.every((line) => known(line[unit]))));

// a run's details, each snapshot with the images seen since the onsets of phase C
export function timed(details) {
  const {behaviour, sheet, representation} = details.row.phases ?? {};
  for (const line of [...details.lines, ...details.scalars])
    for (const [unit, phases] of [["of_images", behaviour], ["of_latents", sheet ?? representation]]) line[unit] = known(phases?.onsets.C) ? line.images_seen - phases.onsets.C : null;
  return details;
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
