// Words that open what they mean: a button each, one box for all; and the view that lists them, A, B and C first.

import {h} from "./dom.js";
import {PHASES, SECTIONS, TERMS} from "./terms.js";

const box = document.getElementById("explains");

function show(name, ...told) {
  box.setAttribute("aria-label", name);
  box.replaceChildren(...told);
  box.showPopover?.();
  box.focus();
}

const button = (text, opened) => h("button.term", {type: "button", "aria-haspopup": "dialog", onclick: opened}, text);

// a word, in `text` of the page's own if it has one
export function term(name, text) {
  const {word, sentence, more} = TERMS[name];
  return button(text ?? word, () => show(word, h("p", h("b", word), `: ${sentence}`), more ? h("p", more) : ""));
}

export const words = (names) => h("span.asked", names.map((name) => term(name)));

// what A, B and C are; `outcomes` of a run, if there is one, by the phase that each speaks for
export function phasesTerm(text = "what A, B, C are", outcomes = []) {
  return button(text, () => show("A, B and C", phaseKey(outcomes), h("p", TERMS.phase.sentence)));
}

export function phaseKey(outcomes = []) {
  return h("ul.phasekey", Object.entries(PHASES).map(([letter, of]) => h("li", h(`span.badge.phase-${letter}`, letter), Object.entries(of).map(([name, {sentence, svg}]) => {
    const here = name === "images" ? outcomes.filter(({phase}) => phase === letter).map((outcome) => outcome.name).join(", ") : "";
    return h("div.of", drawn(svg), h("p", h("span.note", `${name}: `), sentence, here ? ` (${here})` : ""));
  }))));
}

const drawn = (svg) => document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);

export async function open(root) {
  root.append(h("div.heading", h("h1", "Words")), phaseKey(), ...Object.entries(SECTIONS).map(([heading, names]) => h("section",
    h("h2", heading), h("dl.glossary", names.map((name) => { const {word, sentence, more} = TERMS[name]; return h("div", h("dt", word), h("dd", sentence, more ? ` ${more}` : "")); })))));
  return {};
}
