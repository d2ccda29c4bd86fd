// The studies whose results are here.

import {json} from "./api.js";
import {absent, h, integer} from "./dom.js";
import {words} from "./words.js";

export const pageOf = (study) => `/studies/${encodeURIComponent(study)}`;

export async function open(root) {
  const studies = await json("/api/studies");
  root.append(h("div.heading", h("h1", "Studies"), words(["claim", "verdict"])));
  if (!studies.length) {
    root.append(h("div.absent", h("p", "No results of studies are here yet. "), h("pre", "phasescope study NAME"), h("p", "writes its records and verdicts to studies/NAME.")));
    return {};
  }
  root.append(h("div.cards", studies.map((study) => h(study.has_page ? "a.card" : "div.card", {href: study.has_page ? pageOf(study.name) : null},
    h("h2", study.name),
    study.question ? h("p", study.question) : null,
    study.error ? h("p.fault", study.error) : [
      h("p.note", `${integer(study.runs)} runs${study.has_page ? "" : "; its page is not written yet"}`),
      h("p.verdicts", Object.entries(study.verdicts).filter(([, count]) => count).map(([verdict, count]) => h(`span.verdict-badge.${verdict.replace(" ", "-")}`, `${count} ${verdict}`))),
    ]))));
  return {};
}
