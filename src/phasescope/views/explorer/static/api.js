// What the server answers: JSON, or a packet of arrays (see packets.py).

const ARRAYS = {float32: Float32Array, uint8: Uint8Array};

// a page that is a file of its own carries the answers, gzipped, in base64
const carried = document.getElementById("answers");
export const ALONE = carried ? JSON.parse(carried.textContent) : null;

async function ask(url) {
  if (ALONE) {
    if (!(url in ALONE)) throw new Error("This file does not carry it.");
    const bytes = Uint8Array.from(atob(ALONE[url]), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  }
  const answer = await fetch(url);
  if (answer.ok) return answer;
  let why = `${answer.status}`;
  try { why = (await answer.json()).error ?? why; } catch { /* no JSON: the status says what there is to say */ }
  throw new Error(why);
}

export const json = async (url) => (await ask(url)).json();

export const packet = async (url) => unpack(await (await ask(url)).arrayBuffer());

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const {name, dtype, shape} of header.arrays) {
    const count = shape.reduce((product, side) => product * side, 1), kind = ARRAYS[dtype];
    header[name] = {shape, data: new kind(buffer, at, count)};
    at += Math.ceil((count * kind.BYTES_PER_ELEMENT) / 4) * 4;
  }
  return header;
}

export const ofRun = (name, what = "", query = {}) =>
  `/api/runs/${encodeURIComponent(name)}${what ? `/${what}` : ""}${Object.keys(query).length ? `?${new URLSearchParams(query)}` : ""}`;

// a few answers by address, the latest kept
export class Kept {
  constructor(capacity = 64) { this.capacity = capacity; this.answers = new Map(); }

  get(url) {
    const found = this.answers.get(url);
    if (found) { this.answers.delete(url); this.answers.set(url, found); return found; }
    const asked = packet(url);
    this.answers.set(url, asked);
    asked.then((answer) => { asked.ready = answer; }, () => this.answers.delete(url));
    if (this.answers.size > this.capacity) this.answers.delete(this.answers.keys().next().value);
    return asked;
  }

  // the answer if it is here already, without waiting
  ready(url) { return this.answers.get(url)?.ready; }

  clear() { this.answers.clear(); }
}
