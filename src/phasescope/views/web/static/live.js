// @ts-check
// The table of runs as the server knows it: every second the page asks for what has changed.

import {ALONE, json} from "./api.js";

const EVERY_MS = 1000;
const listeners = new Set();
let asking = false;
let session = null;
let timer = 0;

export const runs = {rows: new Map(), version: 0, unread: 0, folder: "", loaded: false, reached: true};

// of recorded runs, by digest: the study and the cell that each belongs to
export const members = ALONE ? Promise.resolve({}) : json("/api/members").catch(() => ({}));

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(changed) {
  for (const listener of listeners) listener(changed);
}

function take(answer) {
  const isNew = session !== null && answer.session !== session;
  session = answer.session;
  if (isNew) {
    runs.rows.clear();
    runs.version = 0;
    return;
  }
  const isFirst = !runs.loaded || !runs.reached;
  const {version, unread, folder} = answer;
  for (const name of answer.gone) runs.rows.delete(name);
  for (const row of answer.rows) runs.rows.set(row.name, row);
  Object.assign(runs, {version, unread, folder, loaded: true, reached: true});
  const changed = new Set([...answer.gone, ...answer.rows.map(row => row.name)]);
  if (changed.size || isFirst) notify(changed);
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    take(await json(`/api/runs?since=${runs.version}`));
  } catch {
    if (runs.reached) {
      runs.reached = false;
      notify(new Set());
    }
  }
  asking = false;
  if (runs.unread && !document.hidden && runs.reached) ask();
}

// a page that nobody sees asks nothing
function follow() {
  clearInterval(timer);
  if (document.hidden) return;
  ask();
  timer = setInterval(ask, EVERY_MS);
}

export function begin() {
  document.addEventListener("visibilitychange", follow);
  addEventListener("pageshow", follow);
  follow();
}
