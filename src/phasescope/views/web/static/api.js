// @ts-check
// What the server answers: JSON, or a packet of arrays (see clouds.py).

const ARRAYS = {float32: Float32Array, uint8: Uint8Array};

// a page that is a file of its own carries the answers, gzipped, in base64
const carried = document.getElementById("answers");
export const ALONE = carried ? JSON.parse(carried.textContent) : null;

async function ask(url) {
  if (ALONE) {
    if (!(url in ALONE)) throw new Error("This file does not carry it.");
    const bytes = Uint8Array.from(atob(ALONE[url]), letter => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  }
  const answer = await fetch(url);
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new Error(body.error ?? `${answer.status}`);
}

export const json = async url => (await ask(url)).json();

export const packet = async url => unpack(await (await ask(url)).arrayBuffer());

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const {name, dtype, shape} of header.arrays) {
    const count = shape.reduce((product, side) => product * side, 1);
    const kind = ARRAYS[dtype];
    header[name] = {shape, data: new kind(buffer, at, count)};
    at += Math.ceil((count * kind.BYTES_PER_ELEMENT) / 4) * 4;
  }
  return header;
}

export function ofRun(name, kind = "", query = {}) {
  const text = String(new URLSearchParams(query));
  return `/api/runs/${encodeURIComponent(name)}${kind && `/${kind}`}${text && `?${text}`}`;
}

const REST_MS = 140;
const CAPACITY = 80;

// Packets, or other answers, by address: the latest ones are kept.
export class Answers {
  // arrived(): called after each answer; read: how an answer is read
  constructor(arrived, read = packet) {
    this.arrived = arrived;
    this.read = read;
    /** @type {Map<string, {answer?: any, error?: string}>} */
    this.entries = new Map();
    this.resting = 0;
  }

  // {answer} or {error} once it is here; until then {}. With `patient` it is asked for after a rest.
  get(url, patient = false) {
    if (!this.entries.has(url)) {
      if (patient) this.askLater(url);
      else this.ask(url);
    }
    return this.entries.get(url) ?? {};
  }

  askLater(url) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.ask(url), REST_MS);
  }

  async ask(url) {
    if (this.entries.has(url)) return;
    const entry = {answer: undefined, error: undefined};
    this.entries.set(url, entry);
    if (this.entries.size > CAPACITY) this.entries.delete(this.entries.keys().next().value);
    try {
      entry.answer = await this.read(url);
    } catch (error) {
      entry.error = error.message;
    }
    this.arrived();
  }

  clear() {
    clearTimeout(this.resting);
    this.entries.clear();
  }
}
