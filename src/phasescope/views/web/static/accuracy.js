// @ts-check
// Accuracy by factor at one snapshot, in every way of reading; and whether factors are correct together.

import {fixed, h, integer, known, percent} from "./html.js";
import {terms} from "./words.js";

const NOTE =
  "median errors; excess: share correct in both, less the product of the two shares; " +
  "φ: their correlation; 95 % intervals";

const interval = score =>
  known(score?.[0]) ? `${fixed(score[0])} (${fixed(score[1])} to ${fixed(score[2])})` : "–";

// rows of a table: [name, (reading) => text]
function quantitiesOf({factors, names}, readings) {
  const keys = field => [...new Set(readings.flatMap(reading => Object.keys(reading[field])))];
  const errorOf = ({name, unit}) => `error of ${name}${unit ? `, ${unit}` : ""}`;
  const together = pair => [
    [`excess, ${pair}`, reading => interval(reading.together[pair]?.excess)],
    [`φ, ${pair}`, reading => interval(reading.together[pair]?.phi)]
  ];
  const measured = factors.filter(({categorical}) => !categorical);
  return [
    ...factors.map(({name}) => [`${name} correct`, reading => percent(reading.accuracy[name])]),
    ...(factors.length > 1 ? [["all correct", reading => percent(reading.accuracy.joint)]] : []),
    ...keys("beyond").map(name => [
      `beyond ${names.image_baselines[name] ?? name}`,
      reading => percent(reading.beyond[name])
    ]),
    ...measured.map(factor => [errorOf(factor), reading => fixed(reading.error[factor.name])]),
    ...keys("together").flatMap(together),
    ["n", reading => integer(reading.n)]
  ];
}

function table(corner, headings, rows) {
  const head = h(
    "tr",
    h(corner ? "th" : "td", corner),
    headings.map(heading => h("th", {scope: "col"}, heading))
  );
  const body = rows.map(([name, texts]) =>
    h(
      "tr",
      h("th", {scope: "row"}, name),
      texts.map(text => h("td", text))
    )
  );
  return h("table.accuracy", h("thead", head), h("tbody", body));
}

function classTable([factor, classes]) {
  const values = Object.values(classes);
  const rows = [
    ["correct", values.map(({correct}) => percent(correct))],
    ["n", values.map(({n}) => integer(n))]
  ];
  return table(factor, Object.keys(classes), rows);
}

export function accuracyPanel(details, split, line) {
  if (!details.lines.some(({readings}) => readings.length)) return null;
  const readings = (line?.readings ?? []).filter(reading => reading.split === split);
  const rows = quantitiesOf(details, readings).map(([name, text]) => [name, readings.map(text)]);
  const ways = readings.map(({way}) => details.names.ways[way] ?? way);
  const tables = [
    table(
      "",
      ways,
      rows.filter(([, texts]) => texts.some(text => text !== "–"))
    ),
    ...Object.entries(line?.by_class?.[split] ?? {}).map(classTable)
  ];
  const caption = h(
    "figcaption",
    h("h2", "Accuracy by factor"),
    h("span.note", NOTE),
    terms(["nearest_neighbour"])
  );
  const box = {tabindex: 0, role: "group", "aria-label": "table of accuracy"};
  return h("figure.panel", caption, h("div.tablebox", box, tables));
}
