// Which line is being edited, and what was typed into others and is not kept yet.

import { Refusal } from "./api.js";

export class Editors {
  /** @param {any} studio @param {import("./lines-view.js").LinesView} list */
  constructor(studio, list) {
    this._studio = studio;
    this._list = list;
    /** @type {Map<number, import("./line-editor.js").LineEditor>} those with an edit that is not kept, and the open one */
    this._editors = new Map();
    /** @type {number | null} */
    this._open = null;
    addEventListener("beforeunload", (event) => {
      if (this.unkept && !studio.leaving) event.preventDefault();
    });
  }

  /** How many edits are not kept. */
  get unkept() {
    return this._list.unkept.size;
  }

  /** The open one. */
  get current() {
    return this._open === null ? undefined : this._editors.get(this._open);
  }

  /** @param {number} number */
  toggle(number) {
    return this._open === number ? this.close() : this.open(number);
  }

  /** @param {number} number */
  async open(number) {
    const { lines } = this._studio;
    if (!lines.get(number)) return;
    if (this._open !== null && this._open !== number) this.close(false);
    let editor = this._editors.get(number);
    try {
      const { body, tag } = await this._studio.readLine(number);
      if (editor) editor.refresh(body, tag);
      // Loaded with the first line that is opened: many only look and listen.
      else editor = new (await import("./line-editor.js")).LineEditor(this._studio, body, tag);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!editor) return this._studio.say(error.message, "danger");
    }
    const item = this._list.reveal(number);
    // Somebody has just deleted it.
    if (!item) return;
    this._editors.set(number, editor);
    this._open = number;
    item.append(editor.form);
    this._list.setOpen(number, true);
    this._studio.chosen(number);
    item.scrollIntoView({ block: "nearest" });
    editor.focus();
  }

  /** What was typed and not kept stays with its line. @param {boolean} [focus] */
  close(focus = true) {
    const number = this._open;
    if (number === null) return;
    const editor = this._editors.get(number);
    if (focus) this._list.focus(number);
    editor.form.remove();
    this._open = null;
    this._list.setOpen(number, false);
    if (editor.dirty) this._studio.say(`What you typed in line ${number + 1} is not kept yet; open it again to go on.`, "warning");
    else this._editors.delete(number);
  }

  /** A line is another one now: its editor shows it, unless something is being typed. @param {number} number */
  async refresh(number) {
    const editor = this._editors.get(number);
    if (!editor) return;
    const { body, tag } = await this._studio.readLine(number);
    editor.refresh(body, tag);
  }

  /** @param {number} number @param {boolean} dirty */
  dirty(number, dirty) {
    if (dirty === this._list.unkept.has(number)) return;
    if (dirty) this._list.unkept.add(number);
    else this._list.unkept.delete(number);
    this._list.showLine(number);
  }

  /** @param {number} number of a line that is gone */
  removed(number) {
    this._list.unkept.delete(number);
    this._editors.delete(number);
    if (this._open !== number) return;
    this._open = null;
    this._list.setOpen(number, false);
  }
}
