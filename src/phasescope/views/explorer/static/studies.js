// The studies whose results are here.

import {json} from "./api.js";
import {absent, h, integer} from "./dom.js";
import {address} from "./route.js";
import {words} from "./words.js";

export async function open(root) {
  const studies = await json("/api/studies");
  root.append(h("div.heading", h("h1", "Studies"), words(["claim", "verdict"])));
  if (!studies.length) {
    root.append(h("div.absent", h("p", "No results of studies are here yet. "), h("pre", "phasescope study NAME"), h("p", "writes its records and verdicts to studies/NAME.")));
    return {};
  }
  root.append(h("div.cards", studies.map((study) => h("a.card", {href: address("study", study.name)},
    h("h2", study.name),
    study.question ? h("p", study.question) : null,
    study.error ? h("p.fault", study.error) : [
      h("p.note", `${integer(study.runs)} runs`),
      h("p.verdicts", Object.entries(study.verdicts).filter(([, count]) => count).map(([verdict, count]) => h(`span.verdict-badge.${verdict.replace(" ", "-")}`, `${count} ${verdict}`))),
    ]))));
  return {};
}
