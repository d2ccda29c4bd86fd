// @ts-check
// Forks: runs that continue a state of another one, below it in a table, and beside it in a comparison.

import {Answers, json} from "./api.js";
import {h, integer} from "./html.js";
import {address} from "./route.js";

const isControl = row => row.fork.changed === "unchanged";

// [row, depth] in the order of rows, forks after the run that they continue if that is among them
export function inTree(rows) {
  const there = new Set(rows.map(({digest}) => digest));
  const isFork = ({fork, digest}) => fork && there.has(fork.parent) && fork.parent !== digest;
  const children = new Map();
  for (const row of rows.filter(isFork)) {
    children.set(row.fork.parent, [...(children.get(row.fork.parent) ?? []), row]);
  }
  const placed = [];
  const place = (row, depth) => {
    placed.push([row, depth]);
    const below = children.get(row.digest) ?? [];
    children.delete(row.digest);
    for (const child of below) place(child, depth + 1);
  };
  for (const row of rows) if (!isFork(row)) place(row, 0);
  // files that name each other as parents are nobody's children
  return [...placed, ...[...children.values()].flat().map(row => [row, 0])];
}

// what a fork continues and what it changes, in words; undefined of another run
export const forkWords = ({fork}) => fork && `from step ${integer(fork.step)}: ${fork.changed}`;

// [step, names] of the fork that a run belongs to and of those of its own: the parent first, then the control
export function families(row, rows) {
  const all = [...rows.values()];
  const isOwn = ({fork}) => fork?.parent === row.digest;
  const isBeside = ({fork}) => fork && fork.parent === row.fork?.parent && fork.step === row.fork?.step;
  const family = (parent, forks) => {
    const names = all.filter(({digest}) => digest === parent).map(({name}) => name);
    const controls = forks.filter(isControl);
    const children = forks.filter(child => !isControl(child));
    return [forks[0].fork.step, [...names, ...[...controls, ...children].map(({name}) => name)]];
  };
  const own = all.filter(isOwn);
  const steps = [...new Set(own.map(({fork}) => fork.step))].sort((a, b) => a - b);
  const below = steps.map(step =>
    family(
      row.digest,
      own.filter(({fork}) => fork.step === step)
    )
  );
  return row.fork ? [family(row.fork.parent, all.filter(isBeside)), ...below] : below;
}

// a line under a run's name: what it continues, and links to comparisons of parent, control and children
export function forkLine(row, rows) {
  const links = families(row, rows).map(([step, names]) =>
    h(
      "a.button",
      {href: address("compare", "", {runs: names.join()})},
      `compare the fork at step ${integer(step)}`
    )
  );
  const {fork} = row;
  const text = fork && `Forked from ${fork.name} at step ${integer(fork.step)}; changed: ${fork.changed}. `;
  return (fork || links.length > 0) && h("p.note", text, links);
}

// The paired differences among the children of one fork, as reports and `phasescope compare` have them.
export class PairedTable {
  // arrived(): called when a table is here
  constructor(arrived) {
    this.answers = new Answers(arrived, json);
    /** @type {{heads: string[], rows: string[][]}} the last one, which stays until the next one is here */
    this.shown = {heads: [], rows: []};
  }

  forget() {
    this.answers.clear();
  }

  // of rows of runs, at a step of a snapshot; null: at the end
  view(rows, step) {
    const forks = rows.filter(({fork}) => fork);
    if (!forks.some(isControl) || forks.every(isControl)) return null;
    const query = new URLSearchParams({runs: rows.map(({name}) => name).join()});
    if (step !== null) query.set("step", step);
    const {answer, error} = this.answers.get(`/api/paired?${query}`, this.shown.rows.length > 0);
    if (answer) this.shown = answer;
    if (error) return h("p.fault", {role: "status"}, error);
    return this.shown.rows.length > 0 && table(this.shown);
  }
}

function table({heads, rows}) {
  const line = ([changed, ...cells]) =>
    h(
      "tr",
      h("th", {scope: "row"}, changed),
      cells.map(text => h("td", text))
    );
  return h(
    "section.paired",
    h("h2", "Differences from the unchanged child"),
    h("p.note", "Means over pairs of runs that continue the same state with the same seeds."),
    h(
      "div.tablebox",
      {tabindex: 0, role: "group", "aria-label": "paired differences"},
      h(
        "table.accuracy",
        h(
          "thead",
          h(
            "tr",
            heads.map(head => h("th", {scope: "col"}, head))
          )
        ),
        h("tbody", rows.map(line))
      )
    )
  );
}
