// @ts-check
// What can be done with a chart: scales, smoothing, zoom, and its download.

import {csvOf, pngOf, save} from "./download.js";
import {choice, h, known} from "./html.js";

const WIDTHS = [0, 5, 15, 51]; // points that a mean is over; 0: as logged

const tool = {type: "button", "data-tool": true};

// {open, row}: the button that opens the tools, with one that ends a zoom, and the tools, if they are open.
export function toolbar({panel, x, axis, name, settings, change, allowsLog}) {
  const {isOpen} = settings;
  const reset = axis.zoom && h("button.tool", {...tool, onclick: () => axis.set({zoom: null})}, "reset zoom");
  const toggle = {"aria-label": `tools of ${panel.title}`, "aria-expanded": isOpen, title: "tools"};
  const opener = h("button.tool.opener", {...tool, ...toggle, onclick: () => change({isOpen: !isOpen})}, "⋯");
  const row = isOpen && tools({panel, x, axis, name, settings, change, allowsLog});
  return {open: [reset, opener], row};
}

function tools({panel, x, axis, name, settings, change, allowsLog}) {
  const positive = x.filter(value => known(value) && value > 0).length;
  const leavesOut = x.some(value => known(value) && value <= 0) ? ", without 0" : "";
  const widths = WIDTHS.map(width => [String(width), width ? `over ${width} points` : "none"]);
  const smoothed = value => change({smooth: Number(value)});
  const file = `${name}-${panel.key}`;
  const saveCsv = () => save(new Blob([csvOf(panel, x, axis.unit)], {type: "text/csv"}), `${file}.csv`);
  const savePng = async event => save(await pngOf(event.target.closest("figure")), `${file}.png`);

  return h(
    "div.controls.tools",
    {"data-tool": true},
    positive > 1 && flag(`log x, all charts${leavesOut}`, axis.isLog, isLog => axis.set({isLog, zoom: null})),
    allowsLog && flag("log y", settings.log, log => change({log})),
    panel.over === "scalars" && choice("smoothing", widths, String(settings.smooth), smoothed),
    h("button", {...tool, onclick: savePng}, "PNG"),
    h("button", {...tool, onclick: saveCsv}, "CSV"),
    h("span.note", "zoom: drag, or + and − keys; all: double click, or 0 key")
  );
}

function flag(text, checked, changed) {
  const input = {type: "checkbox", checked, onchange: event => changed(event.target.checked)};
  return h("label.field", h("input", input), h("span", text));
}
