// What is seen, to keep: a picture as PNG or SVG, its numbers as CSV. All is made here, and nothing is asked for.

import {h, known, s} from "./dom.js";
import {parse} from "./route.js";

const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-size", "font-weight", "text-anchor", "dominant-baseline", "shape-rendering"];
const FONT = "system-ui, sans-serif", PAD = 10, HEAD = 26, ROW = 18, SHARPER = 2;
const paper = () => getComputedStyle(document.body).backgroundColor;
const ink = () => getComputedStyle(document.body).color;

// The menu of a chart or a panel. svg(): a whole SVG; png(): a canvas or a data URL, where there is no SVG; csv(): rows of cells.
export function downloads(title, {svg, png, csv}) {
  const named = (kind) => `${slug([parse().name || parse().view, title].join(" "))}.${kind}`;
  const kinds = {
    PNG: svg || png ? async () => save(await bytesOf(svg ? await drawn(svg()) : await png()), named("png")) : null,
    SVG: svg ? () => save(new Blob([text(svg())], {type: "image/svg+xml"}), named("svg")) : null,
    CSV: csv ? () => save(new Blob([csvOf(csv())], {type: "text/csv"}), named("csv")) : null,
  };
  const root = h("details.save", {onkeydown: (event) => { if (event.key === "Escape" && root.open) { root.open = false; root.firstChild.focus(); } }, onfocusout: (event) => { if (event.relatedTarget && !root.contains(event.relatedTarget)) root.open = false; }},
    h("summary", {"aria-label": `save ${title}`}, "save"),
    h("div.menu", Object.entries(kinds).filter(([, work]) => work).map(([kind, work]) => h("button", {type: "button", "data-save": kind, "aria-label": `save ${title} as ${kind}`, onclick: async () => { root.open = false; root.firstChild.focus(); await work(); }}, kind))));
  return root;
}

export const slug = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 80) || "phasescope";

function save(blob, name) {
  const url = URL.createObjectURL(blob), link = h("a", {href: url, download: name, hidden: true});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// a text that a table program might take for a formula is told as text
export function csvOf(rows) {
  const cell = (value) => {
    if (!known(value)) return "";
    if (typeof value === "number") return String(value);
    const told = String(value), safe = /^[=+\-@\t\r]/.test(told) && Number.isNaN(Number(told)) ? `'${told}` : told;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

// the cells of a table as they are read
export const rowsOf = (table) => [...(table?.rows ?? [])].map((row) => [...row.cells].map((cell) => cell.innerText.trim().replace(/\s+/g, " ")));

// One picture of drawings one after another. parts: {svg, caption}; legend: {name, colour, dash, filled}; across: how many in a row
export function sheet(title, parts, {legend = [], across = 1} = {}) {
  const sizes = parts.map(({svg}) => { const box = svg.getBoundingClientRect(), given = svg.viewBox.baseVal; return [box.width || given.width, box.height || given.height]; });
  const wide = Math.max(...sizes.map(([width]) => width), 120), caption = parts.some((part) => part.caption) ? ROW : 0;
  const whole = across * wide + (across - 1) * PAD + 2 * PAD;
  const word = (x, y, told, more = {}) => s("text", {x, y, fill: ink(), "font-family": FONT, "font-size": 12, ...more}, told);
  const body = [word(PAD, PAD + 12, title, {"font-size": 14, "font-weight": 700})];
  let y = PAD + HEAD, x = PAD;
  for (const {name, colour: own, dash, filled} of legend) {
    const length = 26 + widthOf(name);
    if (x > PAD && x + length > whole - PAD) { x = PAD; y += ROW; }
    body.push(filled ? s("rect", {x, y: y - 9, width: 14, height: 9, fill: resolved(own)}) : s("line", {x1: x, x2: x + 16, y1: y - 4, y2: y - 4, stroke: resolved(own), "stroke-width": 2.4, ...(dash ? {"stroke-dasharray": dash} : {})}), word(x + 20, y, name));
    x += length + 12;
  }
  if (legend.length) y += ROW - 6;
  let row = 0;
  parts.forEach(({svg, caption: told}, i) => {
    const column = i % across, [width, height] = sizes[i], left = PAD + column * (wide + PAD);
    if (column === 0 && i) { y += row; row = 0; }
    if (told) body.push(word(left, y + 10, told));
    const copy = styled(svg);
    for (const [name, value] of Object.entries({x: left, y: y + caption, width, height, viewBox: svg.getAttribute("viewBox") ?? `0 0 ${width} ${height}`})) copy.setAttribute(name, value);
    body.push(copy);
    row = Math.max(row, height + caption + 4);
  });
  const high = y + row + PAD;
  return s("svg", {width: whole, height: high, viewBox: `0 0 ${whole} ${high}`, "font-family": FONT}, s("rect", {width: whole, height: high, fill: paper()}), body);
}

// a copy that looks the same without the page's style sheets; the cursor is no part of a picture
function styled(svg) {
  const copy = svg.cloneNode(true), mine = [svg, ...svg.querySelectorAll("*")], its = [copy, ...copy.querySelectorAll("*")], gone = [];
  mine.forEach((element, i) => {
    const style = getComputedStyle(element);
    if (element.classList.contains("cursor") || style.display === "none") gone.push(its[i]);
    for (const name of STYLES) { const value = style.getPropertyValue(name); if (value) its[i].setAttribute(name, value); }
    for (const name of ["class", "style", "tabindex", "data-keys"]) its[i].removeAttribute(name);
  });
  for (const element of gone) element.remove();
  return copy;
}

function resolved(given) {
  const probe = h("i", {style: {color: given}, hidden: true});
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function widthOf(told) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `12px ${FONT}`;
  return context.measureText(told).width;
}

const text = (svg) => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;

async function drawn(svg) {
  const url = URL.createObjectURL(new Blob([text(svg)], {type: "image/svg+xml"}));
  try {
    return await onPaper(url, SHARPER * svg.getAttribute("width"), SHARPER * svg.getAttribute("height"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function onPaper(url, width, height) {
  const image = new Image();
  await new Promise((resolve, reject) => { image.onload = resolve; image.onerror = () => reject(new Error("the picture cannot be drawn")); image.src = url; });
  const canvas = h("canvas", {width: Math.round(width ?? image.naturalWidth), height: Math.round(height ?? image.naturalHeight)}), context = canvas.getContext("2d");
  context.fillStyle = paper();
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

async function bytesOf(picture) {
  const canvas = picture instanceof HTMLCanvasElement ? picture : await onPaper(picture);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// canvases beside and under one another with their frames, as they stand on the page
export function wallOf(canvases, gap = 4) {
  const boxes = canvases.map((canvas) => canvas.getBoundingClientRect()), left = Math.min(...boxes.map((box) => box.left)) - gap, top = Math.min(...boxes.map((box) => box.top)) - gap;
  const whole = h("canvas", {width: Math.max(Math.round(SHARPER * (Math.max(...boxes.map((box) => box.right)) - left + gap)), 1), height: Math.max(Math.round(SHARPER * (Math.max(...boxes.map((box) => box.bottom)) - top + gap)), 1)}), context = whole.getContext("2d");
  context.fillStyle = paper();
  context.fillRect(0, 0, whole.width, whole.height);
  context.scale(SHARPER, SHARPER);
  context.imageSmoothingEnabled = false;
  canvases.forEach((canvas, i) => {
    const [x, y, width, height] = [boxes[i].left - left, boxes[i].top - top, boxes[i].width, boxes[i].height], frame = [canvas, canvas.parentElement].map(getComputedStyle).find((style) => parseFloat(style.borderTopWidth));
    context.drawImage(canvas, x, y, width, height);
    if (!frame) return;
    context.strokeStyle = frame.borderTopColor;
    context.lineWidth = Math.min(parseFloat(frame.borderTopWidth), 3);
    context.strokeRect(x - context.lineWidth / 2, y - context.lineWidth / 2, width + context.lineWidth, height + context.lineWidth);
  });
  return whole;
}
