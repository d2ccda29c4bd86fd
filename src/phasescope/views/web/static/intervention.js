// @ts-check
// A layer's activations are changed while the network samples, label and noise kept: where does the image go?

import {choice, fault, fixed, h} from "./html.js";
import {imageOf, picture} from "./images.js";
import {numbersOf} from "./route.js";
import {labelFields} from "./target.js";
import {labelText, marks, within} from "./world.js";

const KINDS = {
  "": "none",
  patch: "patch: all of another label’s",
  part: "part: what labels explain",
  steer: "steer: a step",
  ablate: "ablate: no label left"
};
const WENT = {
  followed: "follows what was put in",
  stayed: "stays at its own label",
  either: "is at its own label and at what was put in",
  elsewhere: "is elsewhere"
};
// the reading by which it is said where an image went
const READING = "matched";

// {how, layer, layers, other, step} of an address; other: the label that is put in; step: what is added
export function interventionFrom(query, {factors}) {
  const how = query.get("how") in KINDS ? query.get("how") : "";
  const given = numbersOf(query.get("towards"), factors.length);
  const along = Math.max(
    factors.findIndex(({categorical}) => !categorical),
    0
  );
  const usual = factors.map(({low, high}, k) => (k === along ? (high - low) / 8 : 0));
  const other = given && how !== "steer" ? within(factors, given) : null;
  return {how, layer: query.get("layer"), other, step: given && how === "steer" ? given : usual, layers: []};
}

export function interventionQuery({how, layer, other, step}) {
  if (!how) return {};
  const values = how === "steer" ? step : how === "ablate" ? null : other;
  return {how, layer, towards: values && values.map(value => Number(value.toPrecision(6))).join()};
}

// the label that is put in, or to which the step leads; null if there is none
export function secondLabel({how, other, step}, label, {factors}) {
  if (how === "steer")
    return within(
      factors,
      label.map((value, k) => value + step[k])
    );
  if (how !== "patch" && how !== "part") return null;
  // until a label is chosen: the one on the other side of the world
  return (
    other ??
    within(
      factors,
      factors.map(({low, high}, k) => low + high - label[k])
    )
  );
}

// what of the state changes if the second label is dragged or typed
export const aimed = ({how}, label, second, {factors}) =>
  how === "steer" ? {step: second.map((value, k) => value - label[k])} : {other: within(factors, second)};

// The layers are the network's, and known once it has sampled; without one there is nothing to change.
export function withLayers(state, layers) {
  const layer = layers.includes(state.layer) ? state.layer : (layers.at(-1) ?? null);
  return {...state, layers, layer, how: layers.length ? state.how : ""};
}

export function asked({how, layer}, label, second) {
  const towards =
    how === "steer" ? second.map((value, k) => Number((value - label[k]).toPrecision(8))) : second;
  return {strip: 0, layer, how, ...(towards ? {towards: towards.join()} : {})};
}

function result(details, {answer, label, second, layer, ms}, size) {
  const way = answer.went[READING] ? READING : Object.keys(answer.went)[0];
  const reading = answer.went[way];
  const {ways} = details.names;
  const place = reading && labelText(details, reading.at, 2);
  const text = reading
    ? `the image ${WENT[reading.went]}; ${ways[way] ?? way}: ${place}`
    : "no reader for these images";
  const marked = {
    ...marks(details, label, reading?.at),
    toward: second ? marks(details, second).label : undefined
  };
  const at = reading?.at.map(value => fixed(value)).join() ?? "";
  const data = {
    "data-went": reading?.went ?? "",
    "data-at": at,
    "data-label": label.join(),
    "data-toward": second?.join() ?? ""
  };
  return [
    picture(imageOf(answer.image), size, marked, {
      role: "img",
      "aria-label": "the image generated with the intervention",
      class: "changed"
    }),
    h("p.reading", {"aria-live": "polite", ...data}, `${layer}: ${text} · ${Math.round(ms)} ms`)
  ];
}

// known: {answer, label, second, layer, ms} or {error} of the latest image; set(values): of the state
export function interventionPanel(details, {state, label, known, size, set}) {
  const {how, layer, layers, step} = state;
  const second = secondLabel(state, label, details);
  const {factors} = details;
  const isStep = how === "steer";
  const values = isStep ? step : second;
  const change = (k, value) => {
    const wanted = values.map((old, i) => (i === k ? value : old));
    set(isStep ? {step: wanted} : aimed(state, label, wanted, details));
  };
  const name = factor => `${isStep ? "step in" : "other"} ${factor.name}`;
  const words = factor => `${isStep ? "by" : "to"} ${factor.name}`;
  const measured = isStep ? factors.map(factor => ({...factor, categorical: false})) : factors;
  return h(
    "figure.panel.intervention",
    h("figcaption", h("h2", "Intervention")),
    how && known.answer && result(details, known, size),
    how && fault(known.error),
    h(
      "div.controls",
      layers.length > 0 && choice("how", Object.entries(KINDS), how, value => set({how: value})),
      how &&
        layers.length > 0 &&
        choice(
          "layer",
          layers.map(each => [each, each]),
          layer,
          value => set({layer: value})
        )
    ),
    second && labelFields(measured, values, {name, words}, change)
  );
}
