// @ts-check
// The address holds the state, #/view/name?key=value: a view writes it there, and is restored from it.

export function parse(hash = location.hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...name] = path.split("/");
  return {view: view || "runs", name: decodeURIComponent(name.join("/")), query: new URLSearchParams(query)};
}

const isSaid = ([, value]) => value !== null && value !== undefined && value !== "" && value !== false;

/**
 * @param {string} view
 * @param {string} name
 * @param {Record<string, any>} query
 */
export function address(view, name, query = {}) {
  const pairs = Object.entries(query)
    .filter(isSaid)
    .map(([key, value]) => [key, String(value)]);
  // commas and colons need no escape in a fragment, and links read better with them
  const text = new URLSearchParams(pairs).toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `#/${view}${name ? `/${encodeURIComponent(name)}` : ""}${text ? `?${text}` : ""}`;
}

// numbers with commas between them, as many as `count`; null for anything else
export function numbersOf(text, count) {
  const values = (text ?? "").split(",").map(Number);
  return text && values.length === count && values.every(Number.isFinite) ? values : null;
}

const REST_MS = 200;
let waiting = 0;
let pending = null;

// the state goes into the address when the hand rests: browsers refuse many changes a second
export function remember(view, name, query) {
  clearTimeout(waiting);
  pending = () => {
    pending = null;
    const wanted = address(view, name, query);
    const here = parse();
    if (here.view === view && here.name === name && location.hash !== wanted)
      history.replaceState(null, "", wanted);
  };
  waiting = setTimeout(() => pending?.(), REST_MS);
}

// whoever follows a link comes back to the state that they left
addEventListener("click", () => pending?.(), true);

export function forget() {
  pending = null;
  clearTimeout(waiting);
}
