// A look-ahead peak limiter for two channels: what leaves never exceeds the ceiling.
//
// The gain each sample needs is held for the look-ahead and smoothed over it (a sliding minimum,
// then a moving average), so that it has come down before the peak gets there.

const LOOK_AHEAD_S = 0.003;
const RELEASE_S = 0.08;

export class Limiter {
  /** @param {number} rate Hz @param {number} [ceiling] of full scale */
  constructor(rate, ceiling = 0.97) {
    this._ceiling = ceiling;
    this.delay = Math.max(1, Math.round(rate * LOOK_AHEAD_S));
    this._release = 1 - Math.exp(-1 / (rate * RELEASE_S));
    this._left = new Float32Array(this.delay);
    this._right = new Float32Array(this.delay);
    this._gains = new Float32Array(this.delay).fill(1);
    this._sum = this.delay;
    this._held = 1;
    this._hold = 0;
    this._at = 0;
  }

  /** In place. @param {Float32Array} left @param {Float32Array} right */
  process(left, right) {
    for (let i = 0; i < left.length; i += 1) {
      const peak = Math.max(Math.abs(left[i]), Math.abs(right[i]));
      const needed = peak > this._ceiling ? this._ceiling / peak : 1;
      if (needed < 1) this._hold = this.delay + 1;
      if (needed <= this._held) this._held = needed;
      else if (this._hold > 0) this._hold -= 1;
      else this._held = Math.min(needed, this._held + (1 - this._held) * this._release);
      const at = this._at;
      this._sum += this._held - this._gains[at];
      this._gains[at] = this._held;
      const gain = Math.min(1, this._sum / this.delay);
      const outLeft = this._left[at] * gain;
      const outRight = this._right[at] * gain;
      this._left[at] = left[i];
      this._right[at] = right[i];
      left[i] = outLeft;
      right[i] = outRight;
      this._at = at + 1 === this.delay ? 0 : at + 1;
    }
    // A moving sum gathers rounding errors; at rest it is known exactly.
    if (this._held > 0.999_999 && this._sum > this.delay - 1e-3) this._sum = this._recount();
  }

  _recount() {
    let sum = 0;
    for (const gain of this._gains) sum += gain;
    return sum;
  }
}
