// @ts-check
// Terms that open what they mean: a button each, one box for all; and the view that lists them.

import {h} from "./html.js";
import {render} from "./preact.js";
import {PHASES, SECTIONS, TERMS} from "./terms.js";

const box = document.getElementById("explains");

// The browser closes it at Escape and at a click elsewhere; here it also closes if focus or view go on.
addEventListener("hashchange", () => box.hidePopover?.());
box.addEventListener("focusout", ({relatedTarget}) => {
  const isLeft = relatedTarget instanceof Node && !box.contains(relatedTarget);
  if (isLeft) box.hidePopover?.();
});

function show(name, explanation) {
  box.setAttribute("aria-label", name);
  render(explanation, box);
  box.showPopover?.();
  box.focus();
}

const button = (text, onclick) =>
  h("button.term", {type: "button", "aria-haspopup": "dialog", onclick}, text);

// a term, in `text` of the page's own if it has one
export function term(name, text = TERMS[name].word) {
  const {word, sentence, more} = TERMS[name];
  return button(text, () =>
    show(word, h("div", h("p", h("b", word), `: ${sentence}`), more && h("p", more)))
  );
}

export const terms = names =>
  names.length > 0 &&
  h(
    "span.asked",
    names.map(name => term(name))
  );

const KINDS = Object.keys(PHASES.A);

// What A, B and C are, for the `kinds` that runs read: a rule that no run used is not described.
// Of one run also its `outcomes`, by the phase that each speaks for. Without any kind nothing is explained.
export function phasesTerm(text, kinds, outcomes = []) {
  if (!kinds.length) return text ?? false;
  return button(text ?? "what A, B, C are", () =>
    show("A, B and C", h("div", phaseKey(outcomes, kinds), h("p", TERMS.phase.sentence)))
  );
}

export function phaseKey(outcomes = [], kinds = KINDS) {
  const meaning = (letter, [name, {sentence, svg}]) => {
    const here =
      name === "samples" ? outcomes.filter(({phase}) => phase === letter).map(({name}) => name) : [];
    const explanation = [h("span.note", `${name}: `), sentence, here.length > 0 && ` (${here.join(", ")})`];
    return h("div.of", drawing(svg), h("p", explanation));
  };
  const entry = ([letter, meanings]) =>
    h(
      "li",
      h(`span.badge.phase-${letter}`, letter),
      Object.entries(meanings)
        .filter(([kind]) => kinds.includes(kind))
        .map(pair => meaning(letter, pair))
    );
  return kinds.length > 0 && h("ul.phasekey", Object.entries(PHASES).map(entry));
}

function drawing(svg) {
  const parse = () => new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return h("span", {ref: span => span?.replaceChildren(document.importNode(parse(), true))});
}

export function open(root) {
  const entry = name => {
    const {word, sentence, more} = TERMS[name];
    return h("div", h("dt", word), h("dd", sentence, more && ` ${more}`));
  };
  const section = ([heading, names]) => h("section", h("h2", heading), h("dl.glossary", names.map(entry)));
  const sections = Object.entries(SECTIONS).map(section);
  render(h("div", h("div.heading", h("h1", "Words")), phaseKey(), sections), root);
  return {};
}
