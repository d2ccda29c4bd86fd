// @ts-check
// Pages of findings: what an address names unfolds; a table of many claims sorts by column, filters by words.

const LONG = 40; // rows, from which on a table needs a filter
const order = new Intl.Collator("en", {numeric: true});
const NUMBER = /^[[≥≤<>~ ]*[-−]?\d/;

addEventListener("hashchange", unfold);
unfold();
for (const table of document.querySelectorAll("table"))
  if (table.tBodies[0]?.rows.length >= LONG) sift(table);

function unfold() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView();
}

/** @param {HTMLTableElement} table */
function sift(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map(row => row.innerText.toLowerCase());
  const [controls, filter, count] = makeControls();
  table.parentElement.before(controls);

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    rows.forEach((row, i) => (row.hidden = !words.every(word => texts[i].includes(word))));
    count.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} rows`;
  };
  filter.addEventListener("input", show);
  show();

  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.className = "sorts";
    button.textContent = head.textContent;
    button.onclick = () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      body.append(...sorted(rows, column, descending));
    };
    head.replaceChildren(button);
  });
}

/** @returns {[HTMLElement, HTMLInputElement, HTMLElement]} */
function makeControls() {
  const controls = document.createElement("div");
  const field = document.createElement("label");
  const filter = document.createElement("input");
  const count = document.createElement("span");
  controls.className = "controls";
  field.className = "field";
  filter.type = "search";
  count.className = "note";
  count.setAttribute("role", "status");
  field.append("Filter by words", filter);
  controls.append(field, count);
  return [controls, filter, count];
}

// Rows by a column: by its numbers if most cells begin with one, else by words; empty cells are always last.
function sorted(rows, column, descending) {
  const cells = new Map(rows.map(row => [row, row.cells[column].textContent.trim()]));
  const filled = rows.filter(row => !/^–?$/.test(cells.get(row)));
  const empty = rows.filter(row => !filled.includes(row));
  const isNumeric = 2 * filled.filter(row => NUMBER.test(cells.get(row))).length > filled.length;

  const compare = (a, b) =>
    isNumeric ? numberIn(cells.get(a)) - numberIn(cells.get(b)) : order.compare(cells.get(a), cells.get(b));
  filled.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  return [...filled, ...empty];
}

function numberIn(text) {
  const number = parseFloat(text.replace(/^[^\d\-−]*/, "").replace("−", "-"));
  return Number.isNaN(number) ? Infinity : number;
}
