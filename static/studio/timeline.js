// The project over time: the levels of original and dub, and the lines in the colours of their
// speakers. What can be done here by pointer can be done in the list of lines by keyboard.

import { runsLeftwards } from "../bidi.js";
import { lookOf } from "../live/speakers-view.js";
import { clock } from "./words.js";

const RULER = 18;
const WAVE = 44;
const LANE = 26;
export const HEIGHT = RULER + 2 * WAVE + LANE + 8;
/** From this width on a line's words are written into it, pixels. */
const NAMED = 40;
const ZOOM_MAX = 400;
/** Pixels a second. */
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

export class Timeline {
  /**
   * @param {HTMLElement} place scrolls; has the canvas and what makes it wide
   * @param {import("./lines-store.js").LinesStore} store
   * @param {{seek: (atS: number) => void, open: (number: number) => void, wanted: (numbers: number[]) => void}} acts
   */
  constructor(place, store, acts) {
    this._place = place;
    this._store = store;
    this._canvas = place.querySelector("canvas");
    this._wide = place.querySelector("[data-wide]");
    this._acts = acts;
    this._peaks = { original: [], dub: [] };
    this._perS = 20;
    this._longestS = 0;
    this._durationS = 1;
    this._zoom = 0;
    this._atS = 0;
    this._chosen = null;
    place.addEventListener("scroll", () => this._soon());
    place.addEventListener("pointerdown", (event) => this._pointed(event));
    place.addEventListener("wheel", (event) => this._wheeled(event), { passive: false });
    new ResizeObserver(() => this._resized()).observe(place);
    new MutationObserver(() => this._themed()).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    this._themed();
  }

  /** @param {{peaks: number[], peaks_per_s: number} | null} wave @param {"original" | "dub"} track */
  setWave(track, wave) {
    this._peaks[track] = wave?.peaks ?? [];
    if (wave) this._perS = wave.peaks_per_s;
    this._soon();
  }

  /** The lines are others now. @param {number} durationS of the media, 0 where it is unknown */
  setLines(durationS) {
    const { rows } = this._store;
    this._longestS = rows.reduce((longest, row) => Math.max(longest, row.end_s - row.start_s), 0);
    this._durationS = Math.max(durationS, rows.at(-1)?.end_s ?? 0, 1);
    this._layOut();
  }

  /** What a line says has come. */
  redraw() {
    this._soon();
  }

  /** @param {number} atS @param {boolean} follows whether what is there is brought into view */
  setPlace(atS, follows) {
    this._atS = atS;
    if (follows) this._show(atS, atS);
    this._soon();
  }

  /** @param {any | null} line */
  choose(line) {
    this._chosen = line?.number ?? null;
    if (line) this._show(line.start_s, line.end_s);
    this._soon();
  }

  /** @param {number} factor above 1 nearer @param {number} [atX] what stays where it is, pixels */
  zoom(factor, atX = this._place.clientWidth / 2) {
    const before = this._scale;
    const least = this._fitting;
    const wanted = Math.min(ZOOM_MAX, Math.max(least, before * factor));
    const atS = (this._place.scrollLeft + atX) / before;
    this._zoom = wanted <= least * 1.001 ? 0 : wanted;
    this._layOut();
    this._place.scrollLeft = atS * this._scale - atX;
  }

  /** Pixels a second at which all is seen. */
  get _fitting() {
    return Math.max(0.001, this._place.clientWidth / this._durationS);
  }

  get _scale() {
    return this._zoom || this._fitting;
  }

  _show(startS, endS) {
    const { scrollLeft, clientWidth } = this._place;
    const [from, to] = [startS * this._scale, endS * this._scale];
    if (from < scrollLeft || Math.min(to, from + clientWidth) > scrollLeft + clientWidth)
      this._place.scrollLeft = from - clientWidth * 0.2;
  }

  _layOut() {
    this._wide.style.width = `${Math.ceil(this._durationS * this._scale)}px`;
    this._soon();
  }

  _resized() {
    const ratio = devicePixelRatio || 1;
    const width = this._place.clientWidth;
    this._canvas.width = Math.round(width * ratio);
    this._canvas.height = Math.round(HEIGHT * ratio);
    this._canvas.style.width = `${width}px`;
    this._canvas.style.height = `${HEIGHT}px`;
    this._layOut();
  }

  _themed() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    this._colours = {
      quiet: colour("--quiet"),
      edge: colour("--edge"),
      accent: colour("--accent"),
      second: colour("--second"),
      surface: colour("--surface"),
      speakers: Object.fromEntries([...Array(9).keys()].map((n) => [`speaker-${n}`, colour(`--speaker-${n}`)])),
    };
    this._soon();
  }

  _soon() {
    this._drawing ||= requestAnimationFrame(() => {
      this._drawing = 0;
      this._draw();
    });
  }

  _draw() {
    const canvas = this._canvas;
    const context = canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    const width = canvas.width / ratio;
    const [left, scale, colours] = [this._place.scrollLeft, this._scale, this._colours];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    this._drawRuler(context, width, left, scale);
    this._drawWave(context, this._peaks.original, RULER + WAVE / 2, colours.quiet, width, left, scale);
    this._drawWave(context, this._peaks.dub, RULER + WAVE * 1.5, colours.accent, width, left, scale);
    this._drawLines(context, width, left, scale);
    const x = this._atS * scale - left;
    context.fillStyle = colours.second;
    context.fillRect(x - 1, 0, 2, HEIGHT);
  }

  _drawRuler(context, width, left, scale) {
    const step = STEPS_S.find((one) => one * scale >= 70) ?? STEPS_S.at(-1);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (let n = Math.floor(left / scale / step); n * step * scale - left < width; n++) {
      const x = n * step * scale - left;
      context.fillStyle = this._colours.edge;
      context.fillRect(x, 0, 1, HEIGHT);
      context.fillStyle = this._colours.quiet;
      context.fillText(clock(n * step, step < 1), x + 4, RULER / 2);
    }
  }

  _drawWave(context, peaks, middle, colour, width, left, scale) {
    context.fillStyle = colour;
    const half = WAVE / 2 - 2;
    for (let x = 0; x < width; x++) {
      const from = Math.floor(((left + x) / scale) * this._perS);
      const to = Math.max(from + 1, Math.floor(((left + x + 1) / scale) * this._perS));
      if (from >= peaks.length) break;
      let highest = 0;
      for (let n = from; n < Math.min(to, peaks.length); n++) highest = Math.max(highest, peaks[n]);
      const high = Math.max(0.5, (highest / 255) * half);
      context.fillRect(x, middle - high, 1, 2 * high);
    }
  }

  _drawLines(context, width, left, scale) {
    context.font = "12px system-ui, sans-serif";
    const { rows } = this._store;
    // A line that began this long ago has ended.
    let at = Math.max(0, this._store.before(left / scale - this._longestS));
    let drawnTo = -1;
    const missing = [];
    for (; at < rows.length; at++) {
      const row = rows[at];
      const x = row.start_s * scale - left;
      const wide = Math.max(2, (row.end_s - row.start_s) * scale - 1);
      if (x > width) break;
      // Where many share a pixel, one of them is seen.
      if (x + wide < Math.max(0, drawnTo + 1) && row.number !== this._chosen) continue;
      drawnTo = Math.max(drawnTo, x + wide);
      const named = wide > NAMED;
      this._drawLine(context, row, x, wide, named ? this._store.whole(row.number) : null);
      if (named && !this._store.isRead(row.number)) missing.push(row.number);
    }
    if (missing.length) this._acts.wanted(missing);
  }

  _drawLine(context, row, x, wide, line) {
    const top = RULER + 2 * WAVE + 4;
    const colour = this._colours.speakers[lookOf(row.speaker)];
    context.globalAlpha = row.number === this._chosen ? 0.45 : 0.2;
    context.fillStyle = colour;
    context.fillRect(x, top, wide, LANE);
    context.globalAlpha = 1;
    context.fillRect(x, top, Math.min(3, wide), LANE);
    if (row.state === "stale") {
      context.strokeStyle = this._colours.second;
      context.setLineDash([4, 3]);
      context.strokeRect(x + 0.5, top + 0.5, wide - 1, LANE - 1);
      context.setLineDash([]);
    }
    if (!line) return;
    context.save();
    context.beginPath();
    context.rect(x, top, wide - 4, LANE);
    context.clip();
    // Each text from the side on which its script begins; what does not fit is cut at its end.
    const text = line.target_text || line.source_text;
    const leftwards = runsLeftwards(text);
    context.direction = leftwards ? "rtl" : "ltr";
    const from = leftwards ? Math.min(x + wide - 7, context.canvas.clientWidth - 4) : Math.max(x + 7, 4);
    context.fillText(text, from, top + LANE / 2);
    context.restore();
  }

  _pointed(event) {
    const box = this._place.getBoundingClientRect();
    const y = event.clientY - box.top;
    // Not on the scroll bar.
    if (event.button !== 0 || y > HEIGHT) return;
    const atS = (this._place.scrollLeft + event.clientX - box.left) / this._scale;
    if (y > RULER + 2 * WAVE) {
      const line = this._store.at(atS);
      if (line) return this._acts.open(line.number);
    }
    this._acts.seek(Math.min(atS, this._durationS));
  }

  _wheeled(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - this._place.getBoundingClientRect().left);
  }
}
