// Accuracy by factor at one snapshot, in every way of reading; and whether factors are right together.

import {fixed, h, integer, known, percent} from "./dom.js";
import {words} from "./words.js";

export class Accuracies {
  constructor() {
    this.body = h("div.tablebox", {tabindex: 0, role: "group", "aria-label": "table of accuracy"});
    this.root = h("figure.panel", {hidden: true}, h("figcaption", h("h2", "Accuracy by factor"), h("span.note", "median errors; excess: share correct in both, less the product of the two shares; φ: their correlation; 95 % intervals"), words(["copier"])), this.body);
  }

  show(details, split) {
    Object.assign(this, {details, split});
    this.move(this.at ?? details.lines.length - 1);
  }

  move(index) {
    this.at = index;
    const {details: {factors, lines, names: {ways, copiers: names}}, split} = this;
    const rows = (lines[index]?.readings ?? []).filter((one) => one.split === split);
    this.root.hidden = !lines.some(({readings}) => readings.length);
    const copiers = [...new Set(rows.flatMap(({beyond}) => Object.keys(beyond)))], pairs = [...new Set(rows.flatMap(({together}) => Object.keys(together)))], quantities = [
      ...factors.map(({name}) => [`${name} correct`, ({accuracy}) => percent(accuracy[name])]),
      ...(factors.length > 1 ? [["all correct", ({accuracy}) => percent(accuracy.joint)]] : []),
      ...copiers.map((name) => [`beyond ${names[name] ?? name}`, ({beyond}) => percent(beyond[name])]),
      ...factors.filter(({categorical}) => !categorical).map(({name, unit}) => [`error of ${name}${unit ? `, ${unit}` : ""}`, ({error}) => fixed(error[name])]),
      ...pairs.flatMap((pair) => [["excess", "excess"], ["phi", "φ"]].map(([of, word]) => [`${word}, ${pair}`, ({together}) => told(together[pair]?.[of])])),
      ["n", ({n}) => integer(n)],
    ];
    const cells = quantities.map(([name, of]) => [name, rows.map(of)]).filter(([, texts]) => texts.some((text) => text !== "–"));
    this.body.replaceChildren(h("table.accuracy",
      h("thead", h("tr", h("td"), rows.map(({way}) => h("th", {scope: "col", "data-way": way}, ways[way] ?? way)))),
      h("tbody", cells.map(([name, texts]) => h("tr", h("th", {scope: "row"}, name), texts.map((text) => h("td", text)))))), ...Object.entries(lines[index]?.by_class?.[split] ?? {}).map(classesOf));
  }

  close() {}
}

const classesOf = ([factor, classes]) => h("table.accuracy",
  h("thead", h("tr", h("th", {scope: "col"}, factor), Object.keys(classes).map((name) => h("th", {scope: "col"}, name)))),
  h("tbody", [["correct", ({right}) => percent(right)], ["n", ({n}) => integer(n)]].map(([name, of]) => h("tr", h("th", {scope: "row"}, name), Object.values(classes).map((one) => h("td", of(one)))))));

const told = (score) => (score && known(score[0]) ? `${fixed(score[0])} (${fixed(score[1])} to ${fixed(score[2])})` : "–");
