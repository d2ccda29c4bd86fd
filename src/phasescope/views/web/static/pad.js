// @ts-check
// The pad: two factors of the labels that are trained on or held out, the target that is dragged, where it
// was read, and perhaps a second target; drawn in 100 by 100.

import {ARROWS, DIRECTIONS, fixed, h, memo} from "./html.js";
import {Component} from "./preact.js";

const KEY_STEPS = 128;
const MOST_DOTS = 64;

const fraction = ({low, high}, value) => (100 * (value - low)) / (high - low);

// dots, as one path; too many of them: their values along the rim, set beside set
function dots({labels, values}, [i, j], [across, down], number) {
  if (labels)
    return labels.map(label => `M${fraction(across, label[i])} ${fraction(down, label[j])}h0`).join("");
  const from = 2 * number;
  const along = values[i].map(x => `M${fraction(across, x)} ${from}v2`);
  const beside = values[j].map(y => `M${from} ${fraction(down, y)}h2`);
  return [...along, ...beside].join("");
}

// axes: the two factors shown; sets: labels with their colour, the training set first (see `sampling` in
// details.py); label, reading, second: whole labels or null; moved(values, isSecond): new values by factor
export class Pad extends Component {
  constructor(properties) {
    super(properties);
    this.ground = memo();
    this.isSecond = false;
  }

  render({factors, axes, sets, label, reading, second}) {
    const shown = axes.map(k => factors[k]);
    const at = values => axes.map((k, i) => fraction(shown[i], values[k]));
    if (!second) this.isSecond = false;
    const dense = Math.max(...axes.map(k => sets[0].values[k].length));
    const width = 22 / Math.min(dense, MOST_DOTS);
    const ground = this.ground([axes.join()], () =>
      sets.map((set, number) => {
        const stroke = {
          stroke: `var(--${set.colour})`,
          "stroke-width": set.labels ? (number ? 1.4 : 1) * width : 0.4
        };
        return h("path.dots", {d: dots(set, axes, shown, number), ...stroke});
      })
    );
    const mark = (name, [x, y], path) => h(`path.mark.${name}`, {d: `M${x} ${y}${path}`});
    const [x, y] = at(reading ?? label);
    const isRead = reading && Number.isFinite(x + y);
    const text = values => axes.map((k, i) => `${shown[i].name} ${fixed(values[k])}`).join(", ");
    const description = second ? `; second target ${text(second)}, held near it` : "";
    const names = {role: "application", tabindex: 0, "data-keys": ARROWS, viewBox: "0 0 100 100"};
    const words = {
      "aria-label": "target label; drag it, or use the arrow keys",
      "aria-description": `target ${text(label)}${description}`
    };
    const events = {
      onpointerdown: event => this.grab(event),
      onpointermove: event => this.drag(event),
      onkeydown: event => this.step(event)
    };
    return h(
      "svg.pad",
      {...names, ...words, ...events},
      ground,
      isRead && h("circle.mark.estimate", {cx: x, cy: y, r: 3}),
      mark("target", at(label), "m-5 0h10m-5 -5v10"),
      second && mark("second", at(second), "m-3.5 -3.5l7 7m0 -7l-7 7")
    );
  }

  // what is pointed at, as values of the two factors
  at(event) {
    const {left, top, width, height} = event.currentTarget.getBoundingClientRect();
    const {axes, factors} = this.props;
    const shares = [(event.clientX - left) / width, (event.clientY - top) / height];
    return axes.map((k, i) => factors[k].low + shares[i] * (factors[k].high - factors[k].low));
  }

  // of two targets that which is nearer; the keys then move it too
  grab(event) {
    const {axes, factors, label, second} = this.props;
    const here = this.at(event);
    const distance = from =>
      Math.hypot(...axes.map((k, i) => (here[i] - from[k]) / (factors[k].high - factors[k].low)));
    this.isSecond = Boolean(second) && distance(second) < distance(label);
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus();
    event.preventDefault();
    this.move(here);
  }

  drag(event) {
    if (event.buttons) this.move(this.at(event));
  }

  step(event) {
    const direction = DIRECTIONS[event.key];
    const {axes, factors, label, second} = this.props;
    if (!direction) return;
    event.preventDefault();
    const from = this.isSecond ? second : label;
    const count = event.shiftKey ? 4 : 1;
    this.move(
      axes.map((k, i) => from[k] + (direction[i] * count * (factors[k].high - factors[k].low)) / KEY_STEPS)
    );
  }

  move(values) {
    const {axes, moved} = this.props;
    moved(new Map(axes.map((k, i) => [k, values[i]])), this.isSecond);
  }
}
