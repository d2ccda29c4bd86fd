// @ts-check
// A chart as a file: its numbers as CSV, and what is seen of it as PNG.

import {known} from "./html.js";

const SHARPER = 2; // pixels of a picture for each CSS pixel

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.normalize("NFKC").replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// of a value as RFC 4180 has it; numbers without the last digits, which are rounding alone
function cellOf(value) {
  if (!known(value)) return "";
  const text = String(typeof value === "number" ? Number(value.toPrecision(12)) : value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// The panel's numbers over `x`, a row for each point and a column for each line and end of an interval.
export function csvOf({lines, strips = [], mesh}, x, unit) {
  const columnsOf = ({name, y, low, high}, i) => {
    const title = name || `line ${i + 1}`;
    return [[title, y], low && [`${title}, low`, low], high && [`${title}, high`, high]].filter(Boolean);
  };
  const cellsOf = (_, i) => [
    `${mesh.edges[i]} to ${mesh.edges[i + 1]}`,
    mesh.columns.map(cells => cells[i].title)
  ];
  const columns = [
    [unit, x],
    ...lines.flatMap(columnsOf),
    ...strips.map(({name, phases}) => [name, phases]),
    ...(mesh?.edges.slice(1).map(cellsOf) ?? [])
  ];

  const row = cells => cells.map(cellOf).join();
  const rows = x.map((_, i) => row(columns.map(([, values]) => values[i])));
  return `${[row(columns.map(([title]) => title)), ...rows].join("\r\n")}\r\n`;
}

// A picture of `figure` as it stands on the screen, without what has data-tool.
/** @returns {Promise<Blob>} */
export function pngOf(figure) {
  figure.classList.add("pictured");
  const canvas = drawn(figure);
  figure.classList.remove("pictured");
  return new Promise(resolve => canvas.toBlob(resolve, "image/png"));
}

function drawn(figure) {
  const {left, top, width, height} = figure.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, {width: Math.ceil(SHARPER * width), height: Math.ceil(SHARPER * height)});
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);

  context.scale(SHARPER, SHARPER);
  context.translate(-left, -top);
  paint(context, figure);
  return canvas;
}

function paint(context, element) {
  for (const node of element.childNodes) {
    if (node instanceof Text) paintText(context, node);
    if (!(node instanceof Element) || !node.checkVisibility()) continue;
    if (node instanceof SVGSVGElement) paintDrawing(context, node);
    else {
      paintBox(context, node);
      paint(context, node);
    }
  }
}

// word by word, since only the browser knows where a line ends
function paintText(context, node) {
  const {fontStyle, fontWeight, fontSize, fontFamily, color} = getComputedStyle(node.parentElement);
  const font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
  const range = document.createRange();
  Object.assign(context, {font, fillStyle: color});
  for (const {0: word, index} of node.data.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const {left, top, height} = range.getBoundingClientRect();
    const {fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent} = context.measureText(word);
    context.fillText(word, left, top + (height * ascent) / (ascent + descent));
  }
}

function paintBox(context, element) {
  const {left, top, width, height} = element.getBoundingClientRect();
  const {backgroundColor, borderTopWidth, borderTopColor, borderLeftWidth, borderLeftColor} =
    getComputedStyle(element);
  const fill = (colour, wide, high) => {
    context.fillStyle = colour;
    context.fillRect(left, top, wide, high);
  };
  fill(backgroundColor, width, height);
  fill(borderTopColor, width, parseFloat(borderTopWidth));
  fill(borderLeftColor, parseFloat(borderLeftWidth), height);
}

function paintDrawing(context, svg) {
  const {left, top, width, height} = svg.getBoundingClientRect();
  context.save();
  if (getComputedStyle(svg).overflow === "hidden") {
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
  }
  for (const shape of svg.querySelectorAll("path, rect")) paintShape(context, shape);
  context.restore();
}

function paintShape(context, shape) {
  const path = new Path2D();
  path.addPath(outlineOf(shape), shape.getScreenCTM());
  const {fill, stroke, strokeWidth, strokeDasharray, opacity} = getComputedStyle(shape);
  context.globalAlpha = Number(opacity);
  if (fill !== "none") {
    context.fillStyle = fill;
    context.fill(path);
  }
  if (stroke !== "none") {
    context.setLineDash(strokeDasharray === "none" ? [] : strokeDasharray.split(",").map(parseFloat));
    Object.assign(context, {strokeStyle: stroke, lineWidth: parseFloat(strokeWidth), lineJoin: "round"});
    context.stroke(path);
  }
  context.globalAlpha = 1;
}

function outlineOf(shape) {
  if (shape.localName === "path") return new Path2D(shape.getAttribute("d"));
  const [x, y, width, height] = ["x", "y", "width", "height"].map(side => Number(shape.getAttribute(side)));
  const path = new Path2D();
  path.rect(x, y, width, height);
  return path;
}
