// The list of lines. Each is one button, which opens its editor below it; the arrow keys go from
// one to the next, so that the whole list is one stop of the Tab key.

import { lookOf } from "../live/speakers-view.js";
import { clock, element, speakerName } from "./words.js";

export class LinesView {
  /**
   * @param {HTMLOListElement} list
   * @param {{open: (number: number) => void, choose: (number: number) => void, play: (number: number) => void, marks: Record<string, string>, languages: {source: string, target: string}}} acts
   */
  constructor(list, acts) {
    this._list = list;
    this._acts = acts;
    /** @type {Map<number, {item: HTMLLIElement, row: HTMLButtonElement, shown: string}>} */
    this._rows = new Map();
    /** @type {any[]} */
    this.lines = [];
    this.speakers = [];
    /** @type {Set<number>} numbers with an edit that is not kept */
    this.unkept = new Set();
    this._filter = "";
    this._current = null;
    list.addEventListener("keydown", (event) => this._keyed(event));
    // A button would be pressed when the bar is let go.
    list.addEventListener("keyup", (event) => event.key === " " && event.target.closest(".line-row") && event.preventDefault());
    list.addEventListener("focusin", (event) => {
      const row = event.target.closest(".line-row");
      if (row) this._focused(Number(row.closest("li").dataset.number));
    });
  }

  /** @param {any[]} lines in order @param {any[]} speakers */
  show(lines, speakers) {
    this.lines = lines;
    this.speakers = speakers;
    const known = new Set(lines.map((line) => line.number));
    for (const [number, { item }] of this._rows)
      if (!known.has(number)) {
        item.remove();
        this._rows.delete(number);
      }
    let before = null;
    for (const line of lines) {
      const { item } = this._rows.get(line.number) ?? this._add(line);
      this.showLine(line);
      const place = before ? before.nextSibling : this._list.firstChild;
      // Moved only where it must be: an editor in it would lose the focus.
      if (item !== place) this._list.insertBefore(item, place);
      before = item;
    }
    if (!known.has(this._current)) this._focused(lines[0]?.number ?? null);
    this._applyFilter();
  }

  /** @param {any} line as it is now */
  showLine(line) {
    const made = this._rows.get(line.number);
    if (!made) return;
    const name = speakerName(line.speaker, this.speakers);
    const unkept = this.unkept.has(line.number);
    const shown = JSON.stringify([line, name, unkept]);
    if (shown === made.shown) return;
    made.shown = shown;
    const { item, row } = made;
    item.className = `studio-line ${lookOf(line.speaker)} is-${line.state}`;
    const about = element("span", "line-about");
    about.append(element("span", "line-speaker", name), element("span", "line-time", `${clock(line.start_s, true)} – ${clock(line.end_s, true)}`));
    const target = element("span", "line-target", line.target_text || "Not translated yet");
    target.lang = this._acts.languages.target;
    const source = element("span", "line-source", line.source_text);
    source.lang = line.language || this._acts.languages.source;
    const badges = element("span", "line-badges");
    badges.append(line.state === "fresh" ? element("span", "badge badge-good", "Fresh") : element("span", "badge badge-warn", "Stale"));
    if (unkept) badges.append(element("span", "badge badge-soft", "Not kept yet"));
    for (const mark of line.sound?.marks ?? []) {
      const badge = element("span", "badge badge-bad", mark.replaceAll("_", " "));
      badge.title = this._acts.marks[mark] ?? "";
      badges.append(badge);
    }
    if (line.problem) badges.append(element("span", "badge badge-bad", "not spoken"));
    row.replaceChildren(about, target, source, badges);
    item.querySelector(".line-play").setAttribute("aria-label", `Play from line ${line.number + 1}`);
  }

  /** Where an editor goes. @param {number} number @returns {HTMLLIElement | null} */
  itemOf(number) {
    return this._rows.get(number)?.item ?? null;
  }

  /** @param {number} number @param {boolean} open */
  setOpen(number, open) {
    this._rows.get(number)?.row.setAttribute("aria-expanded", String(open));
  }

  get current() {
    return this._current;
  }

  /** @param {number} number */
  focus(number) {
    this._rows.get(number)?.row.focus();
  }

  /** The line that is heard. @param {number | null} number */
  setHeard(number) {
    if (number === this._heard) return;
    this._rows.get(this._heard)?.item.removeAttribute("data-heard");
    this._heard = number;
    this._rows.get(number)?.item.setAttribute("data-heard", "");
  }

  /** @param {string} filter "", "stale" or "marked" */
  filter(filter) {
    this._filter = filter;
    this._applyFilter();
  }

  /** @param {any} line */
  _add(line) {
    const item = document.createElement("li");
    item.dataset.number = String(line.number);
    item.id = `line-${line.number}`;
    const row = element("button", "line-row");
    row.type = "button";
    row.tabIndex = -1;
    row.setAttribute("aria-expanded", "false");
    row.addEventListener("click", () => this._acts.open(line.number));
    const play = element("button", "btn btn-sm btn-outline-secondary line-play");
    play.type = "button";
    play.append(document.getElementById("play-picture").content.cloneNode(true));
    play.addEventListener("click", () => this._acts.play(line.number));
    const head = element("div", "line-head");
    head.append(play, row);
    item.append(head);
    const made = { item, row, shown: "" };
    this._rows.set(line.number, made);
    return made;
  }

  /** @param {KeyboardEvent} event */
  _keyed(event) {
    const row = event.target.closest(".line-row");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(row.closest("li").dataset.number);
    if (event.key === " ") {
      event.preventDefault();
      event.stopPropagation();
      this._acts.play(number);
      return;
    }
    const seen = this.lines.filter((line) => !this._rows.get(line.number).item.hidden);
    const at = seen.findIndex((line) => line.number === number);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: seen.length - 1 }[event.key];
    if (to === undefined || !seen[to]) return;
    event.preventDefault();
    this.focus(seen[to].number);
  }

  /** @param {number | null} number */
  _focused(number) {
    const before = this._rows.get(this._current);
    if (before) before.row.tabIndex = -1;
    this._current = number;
    const now = this._rows.get(number);
    if (now) now.row.tabIndex = 0;
    if (number !== null) this._acts.choose(number);
  }

  _applyFilter() {
    for (const line of this.lines) {
      const fits =
        !this._filter ||
        (this._filter === "stale" ? line.state === "stale" : Boolean(line.problem || line.sound?.marks.length));
      this._rows.get(line.number).item.hidden = !fits;
    }
  }
}
