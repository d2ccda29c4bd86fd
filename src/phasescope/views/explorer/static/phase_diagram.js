// Phases over the cells of a design: at one time as tiles, and over training as stacked shares.

import {h, integer, known, s} from "./dom.js";
import {area} from "./charts.js";

export const PHASES = ["A", "B", "C", "undecided"];

// the phase of a run at time `at`: at its last snapshot up to then, at Infinity its last; null before its first and after its end
export function phaseAt(run, {reading, unit}, at) {
  const times = run[unit], phases = run[reading];
  if (!phases || (at !== Infinity && at > times[times.length - 1] * 1.000001)) return null;
  let found = null;
  for (let i = 0; i < times.length && times[i] <= at * 1.000001 + 1e-9; i++) found = phases[i] ?? found;
  return found;
}

export function shares(runs, state, at) {
  const counts = {A: 0, B: 0, C: 0, undecided: 0};
  let n = 0;
  for (const run of runs) { const phase = phaseAt(run, state, at); if (phase) { counts[phase]++; n++; } }
  return {n, counts, most: PHASES.reduce((best, phase) => (counts[phase] > counts[best] ? phase : best), "A")};
}

// a table with the first axis across and the second, if there is one, down
export function diagram({groups, state, at, axes, open}) {
  const [across, down] = axes;
  const cell = (group) => {
    if (!group) return h("td");
    const {n, counts, most} = shares(group.runs, state, at);
    const text = `${group.title}: ${PHASES.map((phase) => `${counts[phase]} ${phase}`).join(", ")} of ${n} runs`;
    return h("td", h(`button.tile.phase-${n ? most : "none"}`, {type: "button", title: text, "aria-label": text, "aria-pressed": state.cell === group.title, "data-cell": group.title, onclick: () => open(group)},
      h("b", n ? (most === "undecided" ? "?" : most) : "–"), h("span", `${n ? counts[most] : 0}/${n}`),
      h("span.bar", PHASES.map((phase) => (counts[phase] ? h(`i.phase-${phase}`, {style: {flex: counts[phase]}}) : null)))));
  };
  if (!across) return h("table.diagram", h("tbody", h("tr", cell(groups[0]))));
  const find = (x, y) => groups.find((group) => group.values[0] === x && (!down || group.values[1] === y));
  const head = h("thead",
    h("tr", h("td"), h("th.axis", {colspan: across.values.length, scope: "colgroup"}, across.name)),
    h("tr", down ? h("th.axis", {scope: "col"}, down.name) : h("td"), across.values.map((value) => h("th", {scope: "col"}, String(value)))));
  const rows = down ? down.values : [null];
  return h("table.diagram", head, h("tbody", rows.map((y) => h("tr", h("th", {scope: "row"}, y === null ? "" : String(y)), across.values.map((x) => cell(find(x, y)))))));
}

// shares of a cell's runs in each phase over training, and the cursor's time
export function lineage({group, state, end, at, open}) {
  const width = 600, height = 26, times = [...new Set(group.runs.flatMap((run) => run[state.unit]))].sort((a, b) => a - b);
  const every = Math.max(1, Math.floor(times.length / 120)), kept = times.filter((_, i) => i % every === 0 || i === times.length - 1);
  const told = kept.map((time) => shares(group.runs, state, time)), xs = kept.map((time) => (time / (end || 1)) * width);
  let low = kept.map(() => height);
  const shapes = PHASES.map((phase) => {
    const from = low;
    low = low.map((value, i) => value - (told[i].n ? (told[i].counts[phase] / told[i].n) * height : 0));
    return s(`path.phase-${phase}`, {d: area(xs, from, low)}, s("title", `${phase}, ${group.title}`));
  });
  const cursor = (at / (end || 1)) * width;
  return h("button.lineage", {type: "button", onclick: open, "aria-label": `${group.title}: its runs`}, h("span", group.title, h("small", ` ${integer(group.runs.length)} runs`)),
    s("svg", {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none"}, shapes, known(cursor) ? s("line.cursor", {x1: cursor, x2: cursor, y1: 0, y2: height}) : ""));
}
