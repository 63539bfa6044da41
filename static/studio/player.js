// What is heard: the original, the dub, or the dub over the lowered original. One of three media
// elements is played; the picture, where there is one, keeps step with it.

const DRIFT_MAX_S = 0.2;
export const MODES = ["original", "dub", "both"];

export class Player extends EventTarget {
  /** @param {{original: HTMLMediaElement, dub: HTMLMediaElement, both: HTMLMediaElement}} elements @param {string} address of the project */
  constructor(elements, address) {
    super();
    this._elements = elements;
    this._address = address;
    /** @type {HTMLMediaElement | null} */
    this._picture = null;
    this._mode = "original";
    this._untilS = Infinity;
    for (const [mode, element] of Object.entries(elements)) {
      for (const name of ["play", "pause", "seeked", "timeupdate", "ended"])
        element.addEventListener(name, () => mode === this._mode && this._changed());
      element.addEventListener("error", () => mode === this._mode && element.getAttribute("src") && this.dispatchEvent(new Event("unplayable")));
    }
  }

  /** Which tracks there are now. @param {{original: boolean, dub: boolean, picture: boolean}} there @param {string} version a new one is fetched anew */
  load(there, version) {
    const { original, dub, both } = this._elements;
    const [at, heard] = [this.atS, this.element.getAttribute("src")];
    this._picture = there.picture ? original : null;
    original.hidden = !there.picture;
    source(original, there.original ? `${this._address}/tracks/original` : "");
    source(dub, there.dub ? `${this._address}/tracks/dub?of=${encodeURIComponent(version)}` : "");
    source(both, there.dub ? `${this._address}/tracks/mix?of=${encodeURIComponent(version)}` : "");
    this.there = { original: there.original, dub: there.dub, both: there.dub };
    if (!this.there[this._mode]) this._mode = MODES.find((mode) => this.there[mode]) ?? "original";
    // What is being heard and has not changed goes on.
    if (this.element.getAttribute("src") === heard) return;
    this.pause();
    this.seek(at);
  }

  get mode() {
    return this._mode;
  }

  get element() {
    return this._elements[this._mode];
  }

  get atS() {
    return this.element.currentTime || 0;
  }

  get playing() {
    return !this.element.paused;
  }

  /** The same place is heard otherwise. @param {string} mode */
  choose(mode) {
    if (mode === this._mode || !this.there?.[mode]) return;
    const { atS, playing } = this;
    this.pause();
    this._mode = mode;
    this.seek(atS);
    if (playing) this.play();
    this._changed();
  }

  /** @param {number} [fromS] @param {number} [untilS] */
  async play(fromS, untilS = Infinity) {
    if (!this.there?.[this._mode]) return;
    if (fromS !== undefined) this.seek(fromS);
    this._untilS = untilS;
    if (this._picture && this._picture !== this.element) {
      this._picture.muted = true;
      this._picture.currentTime = this.atS;
      this._picture.play().catch(() => {});
    } else if (this._picture) this._picture.muted = false;
    try {
      await this.element.play();
    } catch (error) {
      // A pause that came meanwhile is no fault.
      if (error.name !== "AbortError") this.dispatchEvent(new Event("unplayable"));
    }
    this._watch();
  }

  pause() {
    this.element.pause();
    if (this._picture !== this.element) this._picture?.pause();
  }

  /** @param {number} atS */
  seek(atS) {
    this._untilS = Infinity;
    const wanted = Math.max(0, atS);
    if (this.element.getAttribute("src")) this.element.currentTime = wanted;
    if (this._picture && this._picture !== this.element && this._picture.getAttribute("src")) this._picture.currentTime = wanted;
  }

  /** Every frame while something is heard: the end that was asked for, and the picture. */
  _watch() {
    if (this._watching) return;
    const look = () => {
      this._watching = this.playing ? requestAnimationFrame(look) : 0;
      if (this.atS >= this._untilS) this.pause();
      const picture = this._picture;
      if (picture && picture !== this.element && !picture.seeking && Math.abs(picture.currentTime - this.atS) > DRIFT_MAX_S)
        picture.currentTime = this.atS;
      this.dispatchEvent(new Event("tick"));
    };
    this._watching = requestAnimationFrame(look);
  }

  _changed() {
    if (!this.playing && this._picture !== this.element) this._picture?.pause();
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {HTMLMediaElement} element @param {string} address */
function source(element, address) {
  if ((element.getAttribute("src") ?? "") === address) return;
  if (address) element.src = address;
  else {
    element.removeAttribute("src");
    element.load();
  }
}
