// When a cue is to be heard: the media clock tied to the graph's clock, plus what the way to the
// server and back takes. The server places cues at the live edge as it sees it, so they come too
// late by the network's delay; the delay here follows the slowest of the last cues.

export const JITTER_MS = 100;
const DELAY_MIN_S = 0.1;
const DELAY_MAX_S = 1.5;
const REMEMBERED = 12;
const OFFSET_MAX_S = 5;

export class PlayoutClock {
  constructor() {
    this.offsetS = 0;
    this.zeroS = 0;
    /** @type {number[]} */
    this._lateness = [];
  }

  /** Media time 0 was captured at this time of the graph. @param {number} graphS seconds */
  reset(graphS) {
    this.zeroS = graphS;
    this._lateness = [];
  }

  /** What is added to media times, without the listener's own offset; seconds. */
  get delayS() {
    const slowest = Math.max(0, ...this._lateness) + JITTER_MS / 1000;
    return Math.max(DELAY_MIN_S, Math.min(DELAY_MAX_S, slowest));
  }

  /** The listener wants everything so much later; less than 0: sooner. @param {number} seconds */
  setOffset(seconds) {
    this.offsetS = Math.max(-OFFSET_MAX_S, Math.min(OFFSET_MAX_S, seconds));
  }

  /**
   * A cue, or its first sound, has come.
   * @param {number} startS its place on the media clock @param {number} nowS the graph's time
   */
  note(startS, nowS) {
    this._lateness.push(nowS - this.zeroS - startS);
    if (this._lateness.length > REMEMBERED) this._lateness.shift();
  }

  /**
   * A cue has come: the graph's time at which it is due.
   * @param {number} startS its place on the media clock @param {number} nowS the graph's time
   */
  due(startS, nowS) {
    this.note(startS, nowS);
    return this.zeroS + startS + this.delayS + this.offsetS;
  }

  /** @param {number} nowS the graph's time @returns {number} media time that is captured now */
  mediaS(nowS) {
    return nowS - this.zeroS;
  }
}
