// @ts-check
// What was found, if the folder of studies has a page of it, and the studies whose results are here.

import {json} from "./api.js";
import {fault, h, integer} from "./html.js";
import {render} from "./preact.js";
import {terms} from "./words.js";

export const pageOf = study => `/studies/${encodeURIComponent(study)}`;

export async function open(root) {
  const [studies, findings] = await Promise.all([json("/api/studies"), json("/api/findings")]);
  const heading = level => h("div.heading", h(level, "Studies"), terms(["claim", "verdict"]));
  const cards = level =>
    studies.length
      ? h(
          "div.cards",
          studies.map(study => card(study, level))
        )
      : nothing();
  const content = findings
    ? [h("div.reading", {dangerouslySetInnerHTML: {__html: findings}}), pages(), heading("h2"), cards("h3")]
    : [heading("h1"), cards("h2")];
  render(h("div", content), root);
  return {};
}

const pages = () =>
  h(
    "p.controls",
    h("a.button", {href: "/findings"}, "Findings alone"),
    h("a.button", {href: "/claims"}, "All claims in one table"),
    h("a.button", {href: "/statements"}, "Statements and questions in full")
  );

function card({name, question, error, runs, verdicts, has_page: hasPage}, level) {
  // The first of a verdict's words ("above the bar") decides its colour.
  const badge = ([words, count]) => h(`span.verdict-badge.${words.match(/\w+/)[0]}`, `${count} ${words}`);
  const results = [
    h("p.note", `${integer(runs)} runs${hasPage ? "" : "; its page is not written yet"}`),
    h("p.verdicts", Object.entries(verdicts ?? {}).map(badge))
  ];
  const content = [h(level, name), question && h("p", question), error ? fault(error) : results];
  return hasPage ? h("a.card", {href: pageOf(name)}, content) : h("div.card", content);
}

const nothing = () =>
  h(
    "div.absent",
    h("p", "No results of studies are here yet. "),
    h("pre", "phasescope study NAME"),
    h("p", "writes its records and verdicts to studies/NAME.")
  );
