// The label that is to be painted: two factors on the pad, a slider for each other, a choice where values are names.

import {choice, h, integer} from "./dom.js";
import {Pad} from "./pad.js";
import {within} from "./world.js";

// a choice among the classes of a factor, by name
export const classChoice = ({words, low, high, classes}, value, set) =>
  choice(words, Array.from({length: Math.round(high - low) + 1}, (_, i) => [low + i, classes?.[i] ?? low + i]), value, (chosen) => set(Number(chosen)));

export class Target {
  // details: see details.py; moved() with each new label
  constructor(details, moved) {
    const {factors, axes, names, painting: {training, held_out: held}} = details, measured = factors.map((_, k) => k).filter((k) => !factors[k].categorical);
    Object.assign(this, {factors, moved, measured, label: factors.map((factor) => factor.low), reading: null, second: null, aimed: null});
    const sets = [{...training, colour: "muted"}, ...Object.values(held)], words = ["trained on", ...Object.keys(held).map((split) => names.splits[split] ?? split)];
    this.pad = axes.length === 2 ? new Pad({factors, sets, axes: [...axes], moved: (x, y, second) => this.drag(new Map([[this.pad.axes[0], x], [this.pad.axes[1], y]]), second)}) : null;
    this.fields = h("div.controls.labels");
    this.choosers = h("div.controls");
    const legend = this.pad && sets.length > 1 ? h("div.legend.sets", sets.map((set, i) => h("span", h("i.square", {style: {"--outcome": `var(--${set.colour})`}}), words[i], h("output", integer(set.count))))) : null;
    this.root = h("div", this.pad?.root, legend, this.choosers, this.fields);
    this.arrange();
  }

  // what stands beside the pad: which factors are on it where there are more than two, and the numbers
  arrange() {
    if (this.pad && this.measured.length > 2) this.choosers.replaceChildren(...["across", "down"].map((side, at) =>
      choice(side, this.measured.map((k) => [k, this.factors[k].name]), this.pad.axes[at], (value) => this.put(at, Number(value)))));
    this.inputs = this.factors.map((factor, k) => this.input(factor, k));
    this.fields.replaceChildren(...this.inputs.map((input) => input.root));
    this.write();
  }

  put(at, k) {
    const {axes} = this.pad, before = axes[at];
    if (axes[1 - at] === k) axes[1 - at] = before;
    axes[at] = k;
    this.arrange();
    this.pad.show(this.label, this.reading);
    this.pad.aim(this.second);
  }

  input(factor, k) {
    const {low, high, categorical, words, unit} = factor, step = (high - low) / 128, set = (event) => this.change(new Map([[k, Number(event.target.value)]]));
    const told = `${factor.name} of the target${unit ? `, ${unit}` : ""}`;
    if (categorical) {
      const select = classChoice(factor, this.label[k], (value) => this.change(new Map([[k, value]])));
      return {root: select, write: (value) => { select.querySelector("select").value = value; }};
    }
    const number = h("input", {type: "number", step, min: low, max: high, "aria-label": told, onchange: set});
    const slider = this.pad?.axes.includes(k) ? null : h("input", {type: "range", step: "any", min: low, max: high, "aria-label": `${told}, slider`, oninput: set});
    return {root: h("label.field", h("span", words), slider, number), write: (value) => {
      if (slider && document.activeElement !== slider) slider.value = value;
      if (document.activeElement !== number) number.value = Number(value.toPrecision(6));
    }};
  }

  drag(values, second) {
    if (second) this.aimed(within(this.factors, this.second.map((value, k) => values.get(k) ?? value)));
    else this.change(values);
  }

  // a second label on the pad, which `aimed` is told of when it is dragged; null takes it away
  aim(label) {
    this.second = label;
    this.pad?.aim(label);
  }

  change(values) { this.go(this.label.map((value, k) => values.get(k) ?? value)); }

  go(label, quiet = false) {
    this.label = within(this.factors, label);
    this.reading = null;
    this.write();
    this.pad?.show(this.label, null);
    if (!quiet) this.moved();
  }

  write() { this.inputs.forEach((input, k) => input.write(this.label[k])); }

  // what was read of the image of this label, a value a factor
  read(reading) {
    this.reading = reading;
    this.pad?.show(this.label, reading);
  }

  close() { this.pad?.close(); }
}
