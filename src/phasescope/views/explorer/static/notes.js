// Notes and tags of a run: read by everybody, written where the explorer was started to write.

import {json, ofRun, put} from "./api.js";
import {fill, h} from "./dom.js";

export const tagsOf = (tags) => (tags?.length ? h("span.tags", tags.map((tag) => h("span.tag", tag))) : null);

export class Notes {
  constructor(name) {
    Object.assign(this, {name, found: null, editing: false});
    this.root = h("section.notes", {"aria-label": "notes"});
  }

  async read() {
    if (this.editing) return;
    try { this.found = await json(ofRun(this.name, "notes")); } catch (error) { this.found = {fault: error.message}; }
    if (!this.editing) this.show();
  }

  show() {
    const {text, tags, writes, fault} = this.found;
    fill(this.root, fault ? h("p.fault", fault) : null, tagsOf(tags), text ? h("p.text", text) : null,
      writes && !fault ? h("button", {type: "button", onclick: () => this.edit()}, text || tags.length ? "edit notes" : "write notes") : null);
    this.root.hidden = !this.root.children.length;
  }

  edit() {
    const {text, tags, mark} = this.found, wrong = h("p.fault", {role: "alert", hidden: true});
    const area = h("textarea", {rows: 4, maxlength: 20_000, "aria-label": "notes", value: text}), words = h("input", {type: "text", "aria-label": "tags, with spaces between them", placeholder: "tags, with spaces between them", value: tags.join(" ")});
    area.value = text;
    const leave = (focus) => { this.editing = false; this.show(); if (focus) this.root.querySelector("button")?.focus(); };
    const save = async (event) => {
      event.preventDefault();
      try {
        this.found = await put(ofRun(this.name, "notes"), {text: area.value.trim(), tags: words.value.split(/[\s,]+/).filter(Boolean), seen: mark});
        leave(true);
      } catch (error) {
        wrong.textContent = error.message;
        wrong.hidden = false;
      }
    };
    this.editing = true;
    fill(this.root, h("form", {onsubmit: save}, area, words, h("div.controls", h("button", {type: "submit"}, "save"), h("button", {type: "button", onclick: () => leave(true)}, "cancel")), wrong));
    area.focus();
  }
}
