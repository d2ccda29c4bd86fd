// @ts-check
// One slider over the snapshots of a run, with the phases of samples and activations under it,
// and keys that move it from anywhere.

import {h, integer} from "./html.js";
import {phaseStrip} from "./shapes.js";
import {lineAt, phasesOf} from "./world.js";

const FIELDS = "select, textarea, input:not([type=range]):not([type=checkbox])";

export function scrubber({details, snapshots, index, moved, label = "snapshot"}) {
  const line = lineAt(details, snapshots[index]);
  const last = Math.max(snapshots.length - 1, 0);
  const text = line ? `${integer(line.images_seen)} images · step ${integer(line.step)}` : "no snapshot yet";
  const oninput = event => moved(Number(event.target.value));
  const slider = {type: "range", min: 0, max: last, step: 1, value: index, disabled: !last, oninput};
  const xs = snapshots.map((_, i) => (100 * i) / (last || 1));
  const strips = phasesOf(details, snapshots).map(([kind, phases]) => phaseStrip(kind, phases, xs));
  const names = {"aria-label": label, "aria-valuetext": text};
  return h("div.scrubber", h("div.rail", h("input", {...slider, ...names}), strips), h("output.at", text));
}

// Arrow keys (five snapshots with Shift), Home and End move the slider, unless an input has the focus
// or what has it names these keys in data-keys. standing(): [index, count]. Return what ends it.
export function followKeys(standing, moved) {
  const pressed = event => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest(FIELDS)) return;
    if (target.closest("[data-keys]")?.getAttribute("data-keys").split(" ").includes(event.key)) return;
    if (target.matches("input[type=range]") && !target.closest(".sticky")) return;
    const [index, count] = standing();
    const step = event.shiftKey ? 5 : 1;
    const moves = {ArrowLeft: index - step, ArrowRight: index + step, Home: 0, End: count - 1};
    if (!(event.key in moves) || !count) return;
    event.preventDefault();
    moved(Math.max(0, Math.min(moves[event.key], count - 1)));
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

// the index among more snapshots than before: the last one stays the last
export const following = (index, before, count) =>
  index === before - 1 ? count - 1 : Math.min(index, count - 1);
