// The reference denoiser that the network is closest to: by noise level over training, and at one snapshot its error beside
// the exact ones.

import {Chart} from "./charts.js";
import {joined} from "./compare.js";
import {compact, fixed, h} from "./dom.js";

const HEIGHT = 210, MOST = 1.1;

export class Standing {
  constructor({ladder, pick}) {
    const {levels} = ladder, half = levels.length > 1 ? (levels[1] - levels[0]) / 2 : 1;
    Object.assign(this, {ladder, lines: [], edges: [levels[0] - half, ...levels.map((level) => level + half)]});
    this.rungs = new Chart({title: "Closest reference denoiser", terms: ["ladder"], height: HEIGHT, domain: [0, this.edges.at(-1)], format: compact, pick,
      note: "whose x₀ the network’s is nearest to, at each noise level t, blank where it is far from all; numbers: at how many levels"});
    this.errors = new Chart({title: "Error of x₀ over the variance", note: "by noise level t", height: HEIGHT, domain: [0, MOST], format: (value) => fixed(value)});
    this.said = h("p.note");
    this.rungs.root.classList.add("standing");
    this.rungs.root.append(this.said);
    this.root = h("div", this.rungs.root, this.errors.root);
  }

  show(lines, unit) {
    const {ladder: {colours, levels}, edges} = this;
    this.lines = lines;
    const counts = (name) => lines.map(({ladder: own}) => own?.filter(([rung]) => rung === name).length ?? null);
    this.rungs.show({x: lines.map((line) => line[unit]),
      lines: Object.entries(colours).map(([name, colour]) => ({name, y: counts(name), colour, area: [[], []], format: String})),
      mesh: {edges, columns: lines.map(({ladder: own}) => (own ?? []).map(([rung, r2], level) => ({fill: colours[rung] ?? "none", title: `t = ${levels[level]}: ${rung}, r² ${fixed(r2)}`})))}});
    this.move(this.at ?? lines.length - 1);
  }

  move(index) {
    this.at = index;
    this.rungs.move(index);
    const {ladder: {levels, t, errors, colours}} = this, own = this.lines[index]?.ladder;
    const x = [...new Set([...t, ...levels])].sort((a, b) => a - b), over = (keys, values) => joined(x, new Map(keys.map((key, i) => [key, values[i]])));
    this.errors.show({x, lines: [...Object.entries(errors).map(([name, each]) => ({name, y: over(t, each), colour: colours[name]})), ...(own ? [{name: "the network", y: over(levels, own.map(([, , error]) => error)), colour: "var(--ink)", dash: "3 3"}] : [])]});
    this.errors.move(null);
    this.said.textContent = own ? stretches(own, levels) : "No reference denoiser was compared at this snapshot.";
  }

  close() { this.rungs.close(); this.errors.close(); }
}

// "Wiener at t = 0 to 208; label at ...": neighbouring levels with the same closest denoiser are written once
function stretches(own, levels) {
  const found = [];
  own.forEach(([rung], level) => {
    if (found.length && found[found.length - 1].rung === rung) found[found.length - 1].to = levels[level];
    else found.push({rung, from: levels[level], to: levels[level]});
  });
  return found.map(({rung, from, to}) => `${rung} at t = ${from === to ? from : `${from} to ${to}`}`).join("; ") + ".";
}
