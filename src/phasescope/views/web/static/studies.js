// @ts-check
// The studies whose results are here.

import {json} from "./api.js";
import {fault, h, integer} from "./html.js";
import {render} from "./preact.js";
import {terms} from "./words.js";

export const pageOf = study => `/studies/${encodeURIComponent(study)}`;

export async function open(root) {
  const studies = await json("/api/studies");
  const heading = h("div.heading", h("h1", "Studies"), terms(["claim", "verdict"]));
  render(h("div", heading, studies.length ? h("div.cards", studies.map(card)) : nothing()), root);
  return {};
}

function card({name, question, error, runs, verdicts, has_page: hasPage}) {
  // The first of a verdict's words ("above the bar") decides its colour.
  const badge = ([words, count]) => h(`span.verdict-badge.${words.match(/\w+/)[0]}`, `${count} ${words}`);
  const results = [
    h("p.note", `${integer(runs)} runs${hasPage ? "" : "; its page is not written yet"}`),
    h("p.verdicts", Object.entries(verdicts ?? {}).map(badge))
  ];
  const content = [h("h2", name), question && h("p", question), error ? fault(error) : results];
  return hasPage ? h("a.card", {href: pageOf(name)}, content) : h("div.card", content);
}

const nothing = () =>
  h(
    "div.absent",
    h("p", "No results of studies are here yet. "),
    h("pre", "phasescope study NAME"),
    h("p", "writes its records and verdicts to studies/NAME.")
  );
