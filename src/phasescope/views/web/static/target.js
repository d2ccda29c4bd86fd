// @ts-check
// The label that is sampled: two factors on the pad, a slider for each other, a choice if values are names.

import {choice, h, integer, numberInput} from "./html.js";
import {Pad} from "./pad.js";

const STEPS = 128;

const classesOf = ({low, high, classes}) =>
  Array.from({length: Math.round(high - low) + 1}, (_, i) => [low + i, classes?.[i] ?? low + i]);

const unitOf = ({unit}) => (unit ? `, ${unit}` : "");

// fields for the values of a label: a slider for each factor that `sliding` has
export function labelFields(
  factors,
  label,
  {name, sliding = new Set(), words = factor => factor.words},
  set
) {
  const field = (factor, k) => {
    const {low, high, categorical} = factor;
    const text = `${name(factor)}${unitOf(factor)}`;
    if (categorical)
      return choice(words(factor), classesOf(factor), label[k], value => set(k, Number(value)));
    const range = {
      type: "range",
      step: "any",
      min: low,
      max: high,
      value: label[k],
      "aria-label": `${text}, slider`
    };
    const slider =
      sliding.has(k) && h("input", {...range, oninput: event => set(k, Number(event.target.value))});
    const step = (high - low) / STEPS;
    return h(
      "label.field",
      h("span", words(factor)),
      slider,
      numberInput(text, label[k], {step, min: low, max: high}, value => set(k, value))
    );
  };
  return h("div.controls.labels", factors.map(field));
}

// label, reading and second: whole labels; moved(values, isSecond): values by factor
export function targetPanel(details, {axes, label, reading, second}, {moved, turn}) {
  const {factors, names, sampling} = details;
  const {training, held_out: held} = sampling;
  const measured = factors.map((_, k) => k).filter(k => !factors[k].categorical);
  const sets = [{...training, colour: "muted"}, ...Object.values(held)];
  const words = ["trained on", ...Object.keys(held).map(split => names.splits[split] ?? split)];
  const square = colour => h("i.square", {style: {"--outcome": `var(--${colour})`}});
  const entry = (set, i) => h("span", square(set.colour), words[i], h("output", integer(set.count)));
  const side = (text, i) =>
    choice(
      text,
      measured.map(k => [k, factors[k].name]),
      axes[i],
      value => turn(i, Number(value))
    );
  const hasPad = axes.length === 2;
  const sliding = new Set(measured.filter(k => !hasPad || !axes.includes(k)));
  const name = factor => `${factor.name} of the target`;
  const kind = measured.length < factors.length ? "images" : "labels";
  return h(
    "figure.panel",
    h("figcaption", h("h2", "Target"), h("span.note", `trained on ${integer(training.count)} ${kind}`)),
    hasPad && h("div.padbox", h(Pad, {factors, axes, sets, label, reading, second, moved})),
    hasPad && sets.length > 1 && h("div.legend.sets", sets.map(entry)),
    hasPad && measured.length > 2 && h("div.controls", ["across", "down"].map(side)),
    labelFields(factors, label, {name, sliding}, (k, value) => moved(new Map([[k, value]]), false))
  );
}
