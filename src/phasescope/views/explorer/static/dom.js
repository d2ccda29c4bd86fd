// Elements and numbers: what every view writes with.

const SVG = "http://www.w3.org/2000/svg";

// h("button.primary", {onclick, "aria-pressed": false}, "text", child, null)
export function h(what, ...rest) {
  return build(document.createElement(what.split(".")[0]), what, rest);
}

export function s(what, ...rest) {
  return build(document.createElementNS(SVG, what.split(".")[0]), what, rest);
}

function build(element, what, rest) {
  const classes = what.split(".").slice(1);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  const [first] = rest;
  const hasProperties = first && typeof first === "object" && !(first instanceof Node) && !Array.isArray(first);
  if (hasProperties) for (const [name, value] of Object.entries(first)) set(element, name, value);
  fill(element, hasProperties ? rest.slice(1) : rest);
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked") element[name] = value;
  else if (name === "style" && typeof value === "object") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
  else element.setAttribute(name, value === true ? "" : value);
}

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});
export const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);
export const integer = (value) => (known(value) ? whole.format(value) : "–");
export const compact = (value) => (known(value) ? short.format(value) : "–");
export const fixed = (value, digits = 2) => (known(value) ? value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−") : "–");
export const percent = (value) => (known(value) ? `${fixed(100 * value, value > 0 && value < 0.095 ? 1 : 0)}\u00a0%` : "–");

// value of data-keys, where what has the focus moves by these keys itself
export const ARROWS = "ArrowLeft ArrowRight ArrowUp ArrowDown";

export function duration(seconds) {
  if (!known(seconds)) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// a select whose options are [value, text]
export function choice(label, options, value, changed) {
  const select = h("select", {"aria-label": label, onchange: () => changed(select.value)}, options.map(([key, text]) => h("option", {value: key}, text)));
  select.value = value;
  return h("label.field", h("span", label), select);
}

// puts children in the place of what is there; null ones are left out
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

export const absent = (text) => h("p.absent", text);

// runs `work` at most once a frame, with the last arguments
export function eachFrame(work) {
  let wanted = null;
  return (...given) => {
    if (wanted === null) requestAnimationFrame(() => { const last = wanted; wanted = null; work(...last); });
    wanted = given;
  };
}
