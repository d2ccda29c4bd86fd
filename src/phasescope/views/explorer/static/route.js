// The address says it all: #/view/name?key=value. A view writes its state there; opening the address restores it.

export function parse(hash = location.hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...name] = path.split("/");
  return {view: view || "runs", name: decodeURIComponent(name.join("/")), query: new URLSearchParams(query)};
}

export function address(view, name, query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  // commas and colons need no escape in a fragment, and links read better with them
  const text = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `#/${view}${name ? `/${encodeURIComponent(name)}` : ""}${text ? `?${text}` : ""}`;
}

// numbers with commas between them, as many as `count`; null for anything else
export function numbersOf(text, count) {
  const values = (text ?? "").split(",").map(Number);
  return text && values.length === count && values.every(Number.isFinite) ? values : null;
}

const REST_MS = 200;
let waiting = null, pending = null, written = -Infinity;

// the state goes into the address at once, and while a hand moves when it rests: browsers refuse many changes a second
export function remember(view, name, query) {
  clearTimeout(waiting);
  const write = () => {
    pending = null;
    const wanted = address(view, name, query);
    if (parse().view !== view || parse().name !== (name ?? "") || location.hash === wanted) return;
    history.replaceState(null, "", wanted);
    written = performance.now();
  };
  if (performance.now() - written > REST_MS) { write(); return; }
  pending = write;
  waiting = setTimeout(write, REST_MS);
}

// whoever follows a link comes back to the state that they left
addEventListener("click", () => pending?.(), true);

export function forget() {
  pending = null;
  clearTimeout(waiting);
}
