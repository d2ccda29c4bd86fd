// @ts-check
// Elements, by Preact, and numbers: what every view writes with.

import {h as create} from "./preact.js";

/**
 * h("button.primary", {onclick}, "text", child, null): an element with classes, or h(Component, {...}).
 * @param {any} tag
 * @param {...any} rest
 */
export function h(tag, ...rest) {
  const properties = rest[0]?.constructor === Object ? rest.shift() : {};
  if (typeof tag !== "string") return create(tag, properties, ...rest);
  const [name, ...classes] = tag.split(".");
  return create(name, classes.length ? {...properties, class: classes.join(" ")} : properties, ...rest);
}

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});
export const known = value => value !== null && value !== undefined && !Number.isNaN(value);
export const integer = value => (known(value) ? whole.format(value) : "–");
export const compact = value => (known(value) ? short.format(value) : "–");

export function fixed(value, digits = 2) {
  if (!known(value)) return "–";
  return value
    .toFixed(digits)
    .replace(/^-(?=[0.]*$)/, "")
    .replace("-", "−");
}

export function percent(value) {
  if (!known(value)) return "–";
  return percentTo(value, value > 0 && value < 0.095 ? 1 : 0);
}

export const percentTo = (value, digits) => `${fixed(100 * value, digits)}\u00a0%`;

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export const dark = matchMedia("(prefers-color-scheme: dark)");

// a colour of the palette, as the reader's scheme has it
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// value of data-keys, where what has the focus moves by these keys itself
export const ARROWS = "ArrowLeft ArrowRight ArrowUp ArrowDown";
export const DIRECTIONS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

// a select whose options are [value, text]
export function choice(label, options, value, changed) {
  const entries = options.map(([key, text]) => h("option", {value: key}, text));
  const properties = {"aria-label": label, value, onchange: event => changed(event.target.value)};
  return h("label.field", h("span", label), h("select", properties, entries));
}

// inputs whose text was entered, and not yet answered by the value that is taken for it
const entered = new WeakSet();

// An input for a number: its text is not replaced while it is being edited. A number that cannot be taken is
// put back to the one that was taken instead, and the input is marked until the next edit.
export function numberInput(label, value, properties, changed) {
  const show = input => {
    if (!input) return;
    const isEntered = entered.delete(input);
    if (input === document.activeElement && !isEntered) return;
    const text = String(Number(value.toPrecision(6)));
    if (isEntered) mark(input, Math.abs(Number(input.value) - value) > Number(input.step || 0) / 2, text);
    input.value = text;
  };
  const change = event => {
    entered.add(event.target);
    changed(Number(event.target.value) || 0);
  };
  const edit = event => mark(event.target, false, "");
  return h("input", {
    type: "number",
    "aria-label": label,
    ...properties,
    ref: show,
    oninput: edit,
    onchange: change
  });
}

function mark(input, isPutBack, text) {
  input.classList.toggle("put-back", isPutBack);
  input.title = isPutBack ? `${input.value} cannot be taken: ${text} is` : "";
}

export const absent = text => h("p.absent", text);

export const fault = text => text && h("p.fault", text);

// Return a function that calls `make` only if one of `values` has changed: same elements are not drawn again.
export function memo() {
  let last = null;
  let made = null;
  return (values, make) => {
    if (!last || values.some((value, i) => value !== last[i])) made = make();
    last = values;
    return made;
  };
}

// Return a function that does `work` once at a time; of the calls meanwhile the last one is done next.
export function latest(work) {
  let wanted = null;
  let busy = false;
  return async (...given) => {
    wanted = given;
    if (busy) return;
    busy = true;
    try {
      while (wanted) {
        const now = wanted;
        wanted = null;
        await work(...now);
      }
    } finally {
      busy = false;
    }
  };
}
