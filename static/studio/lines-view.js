// The list of lines. Of tens of thousands only those near to what is seen are drawn, with gaps as
// high as what is left out; heights are measured as lines are drawn, and guessed before. Each line
// is one button, which opens its editor below it; the arrow keys go from one to the next, so that
// the whole list is one stop of the Tab key.

import { LineRow } from "./line-row.js";
import { speakerName } from "./words.js";

/** Pixels above and below what is seen. */
const AROUND = 800;
const DRAWN_MAX = 120;
const TYPICAL = 96;

export class LinesView {
  /**
   * @param {HTMLOListElement} list @param {import("./lines-store.js").LinesStore} store
   * @param {{open: (number: number) => void, choose: (number: number) => void, play: (number: number) => void, wanted: (numbers: number[]) => void, marks: Record<string, string>, languages: {source: string, target: string}}} acts
   */
  constructor(list, store, acts) {
    this._list = list;
    this._store = store;
    this._acts = acts;
    this._speakers = [];
    /** @type {Map<number, LineRow>} those that are drawn */
    this._rows = new Map();
    /** @type {number[]} the numbers of those that fit the filter, in order */
    this._order = [];
    /** @type {Map<number, number>} number → where it is in that order */
    this._at = new Map();
    /** @type {Map<number, number>} number → pixels, as measured */
    this._heights = new Map();
    /** @type {Float64Array | null} where each one begins; null: to be reckoned anew */
    this._tops = null;
    /** @type {HTMLLIElement[]} */
    this._gaps = [];
    /** @type {Set<number>} numbers with an edit that is not kept */
    this.unkept = new Set();
    this._filter = "";
    this._current = null;
    this._open = null;
    this._heard = null;
    this._width = 0;
    list.addEventListener("keydown", (event) => this._keyed(event));
    // A button would be pressed when the bar is let go.
    list.addEventListener("keyup", (event) => event.key === " " && event.target.closest(".line-row") && event.preventDefault());
    list.addEventListener("focusin", (event) => {
      const row = event.target.closest(".line-row");
      if (row) this._focused(Number(row.closest("li").dataset.number));
    });
    addEventListener("scroll", () => this._soon(), { passive: true });
    new ResizeObserver(() => this._resized()).observe(list);
    addEventListener("resize", () => this._soon());
  }

  /** The lines are others now. @param {any[]} speakers */
  show(speakers) {
    this._speakers = speakers;
    this._order = this._store.rows.filter((row) => this._fits(row)).map((row) => row.number);
    this._at = new Map(this._order.map((number, at) => [number, at]));
    this._tops = null;
    for (const number of this._heights.keys()) if (!this._store.get(number)) this._heights.delete(number);
    if (!this._at.has(this._current)) this._focused(this._order[0] ?? null);
    this._draw();
  }

  /** @param {number} number of a line that is another one now */
  showLine(number) {
    const [drawn, row] = [this._rows.get(number), this._store.get(number)];
    if (drawn && row) drawn.show(row, this._store.whole(number), speakerName(row.speaker, this._speakers), this.unkept.has(number));
  }

  /** Scrolls to where it is, unless it is drawn. @param {number} number @returns {HTMLLIElement | null} where an editor goes */
  reveal(number) {
    const at = this._at.get(number);
    if (at === undefined) return null;
    if (!this._rows.has(number)) {
      const top = this._list.getBoundingClientRect().top + this._top(at) - innerHeight / 3;
      scrollBy({ top, behavior: "instant" });
      this._draw(number);
    }
    return this._rows.get(number)?.item ?? null;
  }

  /** @param {number} number @param {boolean} open */
  setOpen(number, open) {
    this._open = open ? number : null;
    this._rows.get(number)?.button.setAttribute("aria-expanded", String(open));
    this._soon();
  }

  get current() {
    return this._current;
  }

  /** @param {number} number */
  focus(number) {
    this.reveal(number);
    this._rows.get(number)?.button.focus();
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
    this.show(this._speakers);
  }

  _fits(row) {
    // What is being edited stays where it is, whatever becomes of it.
    if (!this._filter || row.number === this._open) return true;
    return this._filter === "stale" ? row.state === "stale" : row.marked;
  }

  // Drawing -----------------------------------------------------------------------------

  _soon() {
    this._drawing ||= requestAnimationFrame(() => {
      this._drawing = 0;
      this._draw();
    });
  }

  _resized() {
    const width = this._list.clientWidth;
    if (width !== this._width) {
      this._width = width;
      this._heights.clear();
      this._tops = null;
    }
    this._soon();
  }

  /** Where the line at a place of the order begins, below the top of the list. @param {number} at */
  _top(at) {
    if (!this._tops) {
      this._tops = new Float64Array(this._order.length + 1);
      this._order.forEach((number, n) => (this._tops[n + 1] = this._tops[n] + (this._heights.get(number) ?? TYPICAL)));
    }
    return this._tops[at];
  }

  /** @param {number} [besides] a line that is drawn too */
  _draw(besides) {
    const wanted = this._near();
    // The one the Tab key comes to and the one that is edited keep their focus wherever one looks.
    for (const number of [this._current, this._open, besides]) if (this._at.has(number)) wanted.add(this._at.get(number));
    const places = [...wanted].sort((a, b) => a - b);
    const numbers = new Set(places.map((at) => this._order[at]));
    for (const [number, { item }] of this._rows)
      if (!numbers.has(number)) {
        item.remove();
        this._rows.delete(number);
      }
    this._arrange(places);
    this._measure(numbers);
    const missing = [...numbers].filter((number) => !this._store.isRead(number));
    if (missing.length) this._acts.wanted(missing);
  }

  /** Places of the lines near to what is seen. @returns {Set<number>} */
  _near() {
    const { top } = this._list.getBoundingClientRect();
    const [from, to] = [-top - AROUND, innerHeight - top + AROUND];
    let [low, high] = [0, this._order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this._top(middle + 1) < from) low = middle + 1;
      else high = middle;
    }
    const near = new Set();
    for (let at = low; at < this._order.length && this._top(at) < to && near.size < DRAWN_MAX; at++) near.add(at);
    return near;
  }

  /** @param {number[]} places in order */
  _arrange(places) {
    for (const gap of this._gaps) gap.remove();
    let gaps = 0;
    let last = -1;
    /** @type {ChildNode | null} */
    let before = null;
    const put = (item) => {
      const place = before ? before.nextSibling : this._list.firstChild;
      // Moved only where it must be: an editor in it would lose the focus.
      if (item !== place) this._list.insertBefore(item, place);
      before = item;
    };
    const leaveOut = (end) => {
      if (end === last + 1) return;
      const gap = (this._gaps[gaps] ??= Object.assign(document.createElement("li"), { className: "line-gap", ariaHidden: "true" }));
      gap.style.height = `${this._top(end) - this._top(last + 1)}px`;
      gaps++;
      put(gap);
    };
    for (const at of places) {
      leaveOut(at);
      const number = this._order[at];
      const row = this._rows.get(number) ?? this._add(number);
      this.showLine(number);
      row.item.setAttribute("aria-posinset", String(at + 1));
      row.item.setAttribute("aria-setsize", String(this._order.length));
      put(row.item);
      last = at;
    }
    leaveOut(this._order.length);
    this._gaps.length = gaps;
  }

  /** @param {Iterable<number>} numbers of what is drawn */
  _measure(numbers) {
    for (const number of numbers) {
      const height = this._rows.get(number).item.offsetHeight;
      if (!height || height === this._heights.get(number)) continue;
      this._heights.set(number, height);
      this._tops = null;
    }
  }

  /** @param {number} number */
  _add(number) {
    const row = new LineRow(number, this._acts);
    if (number === this._current) row.button.tabIndex = 0;
    if (number === this._heard) row.item.setAttribute("data-heard", "");
    this._rows.set(number, row);
    return row;
  }

  // Keys --------------------------------------------------------------------------------

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
    const at = this._at.get(number);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this._order.length - 1 }[event.key];
    if (to === undefined || this._order[to] === undefined) return;
    event.preventDefault();
    this.focus(this._order[to]);
  }

  /** @param {number | null} number */
  _focused(number) {
    const before = this._rows.get(this._current);
    if (before) before.button.tabIndex = -1;
    this._current = number;
    const now = this._rows.get(number);
    if (now) now.button.tabIndex = 0;
    if (number !== null) this._acts.choose(number);
  }
}
