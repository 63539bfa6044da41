// How loud the original and the dub are, how much later than placed, and what comes in.

import { prefer, preferences } from "./preferences.js";

const QUIETEST_DB = -60;

export class SoundView {
  /**
   * @param {HTMLElement} place
   * @param {{volumes: (volumes: object) => void, offset: (seconds: number) => void}} acts
   */
  constructor(place, acts) {
    this._acts = acts;
    /** @type {Record<string, HTMLInputElement>} */
    this._fields = {};
    const kept = preferences();
    for (const [name, value] of Object.entries({ original: 100 * kept.original, floor: 100 * kept.floor, dub: 100 * kept.dub, offset: kept.offsetS })) {
      const field = place.querySelector(`[name="${name}"]`);
      this._fields[name] = field;
      field.value = String(value);
      this._say(name);
      field.addEventListener("input", () => this._set(name));
    }
    this._meter = place.querySelector("meter");
    this._note = place.querySelector("[data-no-original]");
  }

  /** @param {{route: boolean}} options whether the original is heard through this page */
  reset({ route }) {
    this._fields.original.disabled = this._fields.floor.disabled = !route;
    this._note.hidden = route;
    this._muted = false;
  }

  /** @param {string} name @param {number} by */
  nudge(name, by) {
    const field = this._fields[name];
    if (field.disabled) return;
    field.value = String(Number(field.value) + by);
    this._set(name);
  }

  toggleDub() {
    this._muted = !this._muted;
    this._acts.volumes({ dub: this._muted ? 0 : Number(this._fields.dub.value) / 100 });
    this._say("dub");
  }

  /** @param {{original: number}} level root mean square of what comes in */
  level({ original }) {
    this._meter.value = original > 0 ? Math.max(QUIETEST_DB, 20 * Math.log10(original)) : QUIETEST_DB;
  }

  /** @param {string} name */
  _set(name) {
    const value = Number(this._fields[name].value);
    if (name === "offset") {
      this._acts.offset(value);
      prefer({ offsetS: value });
    } else {
      if (name === "dub") this._muted = false;
      this._acts.volumes({ [name]: value / 100 });
      prefer({ [name]: value / 100 });
    }
    this._say(name);
  }

  /** @param {string} name */
  _say(name) {
    const field = this._fields[name];
    const value = Number(field.value);
    let text = `${Math.round(value)} %`;
    if (name === "offset") text = value ? `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(1)} s` : "as placed";
    if (name === "dub" && this._muted) text = "muted";
    field.nextElementSibling.textContent = text;
    field.setAttribute("aria-valuetext", text);
  }
}
