// Columns of the table of runs: any field of the configuration, any number of the last snapshot; chosen from a list that is filtered.

import {json} from "./api.js";
import {h, integer, known} from "./dom.js";

const MOST = 8, LISTED = 40;
const UNTRAINED = ".nulls.untrained";

export class Columns {
  // changed() when others are chosen, or their values have come; rows(): all rows
  constructor({rows, changed}) {
    Object.assign(this, {rows, changed, chosen: [], known: null, values: {}});
    this.search = h("input", {type: "search", placeholder: "filter: batch  order.mid", "aria-label": "filter columns", oninput: () => this.list()});
    this.options = h("div.options", {role: "group", "aria-label": "columns"});
    this.count = h("p.note", {"aria-live": "polite"});
    this.root = h("details.columnchoice", {ontoggle: () => { if (this.root.open) this.open(); }, onkeydown: (event) => { if (event.key === "Escape" && this.root.open) { this.root.open = false; this.root.firstChild.focus(); } }},
      h("summary", "columns"), h("div.menu", this.search, this.count, this.options));
  }

  async open() {
    await this.learn();
    this.list();
    this.search.focus();
  }

  async learn() {
    const asked = this.metrics(), metrics = [...asked, ...asked.map(untrained).filter(Boolean)].map((name) => ["metric", name]);
    try { this.known = await json(`/api/columns?${new URLSearchParams(metrics)}`); } catch { return; }
    this.values = Object.fromEntries(Object.entries(this.known.values).map(([run, found]) => [run, Object.fromEntries(metrics.map(([, name], i) => [name, found[i]]))]));
  }

  metrics() { return this.chosen.filter((one) => one.startsWith("last:")).map((one) => one.slice(5)); }

  // "world.canvas" of the configuration, "last:loss" of the last snapshot
  all() {
    const fields = new Set(["seed", ...Object.keys(this.known?.fields ?? {})]);
    for (const row of this.rows()) for (const field of Object.keys(row.settings ?? {})) fields.add(field);
    return [...[...fields].sort(), ...(this.known?.metrics ?? []).map((name) => `last:${name}`)];
  }

  list() {
    const wanted = this.search.value.toLowerCase().split(/\s+/).filter(Boolean), found = this.all().filter((name) => wanted.every((word) => name.toLowerCase().includes(word)));
    const first = [...this.chosen, ...found.filter((name) => !this.chosen.includes(name))].slice(0, LISTED);
    this.count.textContent = `${integer(found.length)} found${found.length > LISTED ? `, the first ${LISTED} shown` : ""}; ${MOST} at most`;
    this.options.replaceChildren(...first.map((name) => {
      const box = h("input", {type: "checkbox", value: name, checked: this.chosen.includes(name), disabled: this.chosen.length >= MOST && !this.chosen.includes(name), onchange: () => this.choose(box.checked ? [...this.chosen, name] : this.chosen.filter((one) => one !== name))});
      return h("label", box, h("span", titleOf(name)));
    }));
  }

  async choose(names, quiet = false) {
    const before = this.metrics().join();
    this.chosen = [...new Set(names)].slice(0, MOST);
    if (!quiet) this.changed();
    if (this.root.open) for (const box of this.options.querySelectorAll("input")) box.disabled = this.chosen.length >= MOST && !this.chosen.includes(box.value);
    if (!this.known || this.metrics().join() !== before) { await this.learn(); this.changed(); }
  }

  // values of metrics move as runs go on
  async refresh() {
    if (!this.metrics().length) return false;
    await this.learn();
    return true;
  }

  value(row, name) {
    if (name === "seed") return row.seed;
    if (name.startsWith("last:")) return this.values[row.name]?.[name.slice(5)] ?? null;
    if (row.settings && name in row.settings) return row.settings[name];
    if (row.settings?.["network.kind"] === "watched" && name.startsWith("training.")) return null;
    return row.state === "broken" || !this.holds(row, name) ? null : this.known?.fields[name] ?? null;
  }

  // whether a field that a run does not say stands at its default there: not where what it is of is another kind, or none
  holds(row, name) {
    const parts = name.split(".");
    return parts.slice(0, -1).every((_, i) => { const above = parts.slice(0, i + 1).join("."); return !(`${above}.kind` in row.settings) && !(above in row.settings); });
  }

  // in words; a score's untrained value stands beside it, as it does everywhere
  told(row, name) {
    const value = this.value(row, name), beside = name.startsWith("last:") ? this.values[row.name]?.[untrained(name.slice(5))] : null, number = (given) => String(Number(given.toPrecision(4)));
    if (!known(value)) return "–";
    if (typeof value === "number") return known(beside) ? `${Number(value.toPrecision(3))} (${Number(beside.toPrecision(2))})` : number(value);
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  restore(text) { return this.choose((text ?? "").split(",").filter(Boolean), true); }

  query() { return this.chosen.join(","); }
}

const untrained = (name) => (name.endsWith(".value") ? name.replace(/\.value$/, UNTRAINED) : null);

export const titleOf = (name) => (name.startsWith("last:") ? `${name.slice(5)}, last` : name);
