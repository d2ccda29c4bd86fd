// @ts-check
// A view in a file of its own: the answers of the server lie in the file (see inlined.py).

import {dark} from "./html.js";
import {address, parse} from "./route.js";

const main = document.getElementById("view");
const {view, name = "", query, module} = main.dataset;
const asked = Object.fromEntries(new URLSearchParams(query));
if (parse().view !== view) history.replaceState(null, "", address(view, name, asked));
const {open} = await import(module);
const root = document.createElement("div");
root.className = `view ${view}`;
main.replaceChildren(root);
const opened = await open(root, parse());
dark.addEventListener("change", () => opened.update());
