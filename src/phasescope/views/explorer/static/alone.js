// A view in a file of its own: the answers of the server lie in the file (see inlined.py).

import {h} from "./dom.js";
import {address, parse} from "./route.js";

const main = document.getElementById("view"), {view, name = "", query} = main.dataset, root = h(`div.view.${view}`);
if (parse().view !== view) history.replaceState(null, "", address(view, name, Object.fromEntries(new URLSearchParams(query))));
const {open} = await import(main.dataset.module);
main.replaceChildren(root);
await open(root, parse());
