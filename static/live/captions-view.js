// The captions: the last lines in both languages, each with its speaker's name and colour.

import { remarkOf } from "./words.js";

const SHOWN_MAX = 60;
const ANNOUNCE_EVERY_MS = 5000;

export class CaptionsView {
  /**
   * @param {HTMLElement} list @param {HTMLElement} partial what seems to be said just now
   * @param {HTMLElement} announcer live region for screen readers
   * @param {(speaker: string | null) => {name: string, look: string}} naming
   */
  constructor(list, partial, announcer, naming) {
    this._list = list;
    this._partial = partial;
    this._announcer = announcer;
    this._naming = naming;
    /** @type {Map<number, HTMLElement>} */
    this._rows = new Map();
    this.announces = false;
    /** @type {string[]} */
    this._toAnnounce = [];
    this._follows = true;
    list.parentElement.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = list.parentElement;
      this._follows = scrollHeight - scrollTop - clientHeight < 48;
    });
  }

  /** @param {import("/static/dubbing/captions.js").CaptionLine} line @param {{source: string, target: string}} languages */
  show(line, languages) {
    let row = this._rows.get(line.line);
    if (!row) row = this._add(line.line);
    const { name, look } = this._naming(line.speaker);
    row.className = `caption ${look} is-${line.how}`;
    row.dataset.speaker = line.speaker ?? "";
    row.querySelector(".caption-speaker").textContent = name;
    fill(row.querySelector(".caption-target"), line.text || "…", languages.target);
    fill(row.querySelector(".caption-source"), line.source, languages.source);
    const remark = line.how === "skipped" ? remarkOf(line.reason ?? "") : "";
    row.querySelector(".caption-remark").textContent = remark;
    const shownOnly = line.how === "skipped" && line.reason !== "discarded";
    if (line.how === "heard" || shownOnly) this._announce(line.line, `${name}: ${line.text}`, languages.target);
    this._scroll();
  }

  /** @param {string} text @param {string} language */
  showPartial(text, language) {
    fill(this._partial, text, language);
    this._scroll();
  }

  /** Names or colours have changed. */
  rename() {
    for (const row of this._rows.values())
      row.querySelector(".caption-speaker").textContent = this._naming(row.dataset.speaker || null).name;
  }

  clear() {
    this._list.replaceChildren();
    this._rows.clear();
    this._partial.textContent = "";
    this._toAnnounce = [];
  }

  /** @param {number} number */
  _add(number) {
    const row = document.createElement("li");
    for (const [tag, name] of [["span", "speaker"], ["p", "target"], ["p", "source"], ["p", "remark"]]) {
      const part = document.createElement(tag);
      part.className = `caption-${name}`;
      // What people say is written in the direction of its own script.
      if (name !== "remark") part.dir = "auto";
      row.append(part);
    }
    this._rows.set(number, row);
    // A line may be told late, after a reconnection.
    const after = [...this._rows.keys()].filter((other) => other > number);
    const next = after.length ? this._rows.get(Math.min(...after)) : null;
    this._list.insertBefore(row, next);
    if (this._rows.size > SHOWN_MAX) {
      const oldest = Math.min(...this._rows.keys());
      this._rows.get(oldest).remove();
      this._rows.delete(oldest);
    }
    return row;
  }

  _scroll() {
    const frame = this._list.parentElement;
    if (this._follows) frame.scrollTop = frame.scrollHeight;
  }

  /** Every few seconds at most, so that a screen reader is not flooded. @param {number} line @param {string} text @param {string} language */
  _announce(line, text, language) {
    if (!this.announces || this._announced?.has(line)) return;
    this._announced = new Set([...(this._announced ?? []), line].slice(-SHOWN_MAX));
    this._toAnnounce.push(text);
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      fill(this._announcer, this._toAnnounce.slice(-3).join(" "), language);
      this._toAnnounce = [];
    }, this._announcer.textContent ? ANNOUNCE_EVERY_MS : 200);
  }
}

/** @param {Element} element @param {string} text @param {string} language */
function fill(element, text, language) {
  if (element.textContent !== text) element.textContent = text;
  if (language && language !== "auto") element.lang = language;
}
