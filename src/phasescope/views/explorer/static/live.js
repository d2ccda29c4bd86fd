// The table of runs as the server knows it: told by a stream of events that something changed, it asks for what did.

import {ALONE, json} from "./api.js";

const listeners = new Set();
// of recorded runs, by digest: the study and the cell that each belongs to
export const members = ALONE ? Promise.resolve({}) : json("/api/members").catch(() => ({}));
let source = null, asking = false, again = false, session = null;

export const runs = {rows: new Map(), version: 0, pending: 0, folder: "", loaded: false, reached: true};

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function catchUp() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await json(`/api/runs?since=${runs.version}`);
    if (session !== null && answer.session !== session) {
      session = answer.session;
      runs.rows.clear();
      runs.version = 0;
      again = true;
    } else {
      session = answer.session;
      const changed = new Set(answer.gone);
      for (const name of answer.gone) runs.rows.delete(name);
      for (const row of answer.rows) { runs.rows.set(row.name, row); changed.add(row.name); }
      Object.assign(runs, {version: answer.version, pending: answer.pending, folder: answer.folder, loaded: true, reached: true});
      for (const listener of listeners) listener(changed);
    }
  } catch {
    runs.reached = false;
    for (const listener of listeners) listener(new Set());
  }
  asking = false;
  if (again) { again = false; catchUp(); }
}

function open() {
  if (source) return;
  source = new EventSource("/api/events");
  source.onmessage = catchUp;
  source.onerror = () => { runs.reached = false; for (const listener of listeners) listener(new Set()); };
}

// a browser gives one host six connections: a page that nobody sees lets its stream go
function follow() {
  if (document.hidden) { source?.close(); source = null; } else open();
}

export function begin() {
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => { source?.close(); source = null; });
  addEventListener("pageshow", follow);
  catchUp();
  follow();
}
