// How loud the original is, sample by sample: down ahead of a cue, held between cues, up after
// the last, and up at once when something is wrong.

export const DUCK_DOWN_S = 0.11;
export const DUCK_UP_S = 0.6;
export const DUCK_HOLD_S = 0.52;
export const DUCK_RESTORE_S = 0.15;
const QUIETEST = 0.001;

export class Ducker {
  /** @param {number} rate Hz @param {number} [floor] gain while a cue is heard, 0 to 1 */
  constructor(rate, floor = 0.15) {
    this._rate = rate;
    this.gain = 1;
    this._holdUntil = -1;
    this._restoring = false;
    this._floor = this._down = this._up = this._restore = 1;
    this.floor = floor;
  }

  /** @returns {number} */
  get floor() {
    return this._floor;
  }

  set floor(value) {
    this._floor = Math.max(0, Math.min(1, value));
    const span = Math.max(QUIETEST, this._floor);
    // Even steps in decibels: the whole way down and up takes the times above.
    this._down = span ** (1 / (this._rate * DUCK_DOWN_S));
    this._up = span ** (-1 / (this._rate * DUCK_UP_S));
    this._restore = QUIETEST ** (-1 / (this._rate * DUCK_RESTORE_S));
  }

  /** Full level now, whatever was held. */
  release() {
    this._holdUntil = -1;
    this._restoring = this.gain < 1;
  }

  /**
   * Gains of the next block.
   * @param {Float32Array} gains filled @param {number} frame of its first sample
   * @param {boolean} wanted a cue is heard, or is about to be
   */
  fill(gains, frame, wanted) {
    if (wanted) {
      this._holdUntil = frame + gains.length + Math.round(DUCK_HOLD_S * this._rate);
      this._restoring = false;
    }
    const target = wanted || frame < this._holdUntil ? this._floor : 1;
    let gain = this.gain;
    if (gain === target) {
      gains.fill(gain);
      return;
    }
    const up = this._restoring ? this._restore : this._up;
    for (let i = 0; i < gains.length; i += 1) {
      if (gain > target) gain = Math.max(target, gain * this._down, target === 0 ? 0 : QUIETEST);
      else if (gain < target) gain = Math.min(target, Math.max(gain, QUIETEST) * up);
      if (target === 0 && gain <= QUIETEST) gain = 0;
      gains[i] = gain;
    }
    if (gain === 1) this._restoring = false;
    this.gain = gain;
  }
}
