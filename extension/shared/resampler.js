// Any rate to any other, in a stream: a polyphase windowed-sinc low-pass (Kaiser window).
//
// Output sample n stands exactly at input time n·from/to: the filter's delay is waited for, not
// heard. Aliases and images lie 80 dB and more below; the pass band reaches 83 % of the lower
// Nyquist frequency. Method: J. O. Smith, "Digital Audio Resampling", ccrma.stanford.edu/~jos/resample.

const ZERO_CROSSINGS = 32;
const ROLL_OFF = 0.915;
const KAISER_BETA = 9;
const PHASES_MAX = 1024;

export class Resampler {
  /** @param {number} from rate of what comes in, Hz @param {number} to rate of what goes out, Hz */
  constructor(from, to) {
    if (!(from > 0 && to > 0)) throw new RangeError(`Cannot resample from ${from} to ${to} Hz.`);
    const divisor = greatestCommonDivisor(Math.round(from), Math.round(to));
    this._up = Math.round(to) / divisor;
    this._down = Math.round(from) / divisor;
    const narrow = Math.min(1, this._up / this._down);
    this._half = Math.ceil(ZERO_CROSSINGS / narrow);
    this._phases = Math.min(this._up, PHASES_MAX);
    this._table = this.passthrough ? new Float32Array(0) : kernel(this._phases, this._half, narrow);
    this._held = new Float32Array(0);
    /** Of the next output, in 1/up input samples from the oldest one held. */
    this._position = 0;
    this._in = this._out = 0;
    this.reset();
  }

  get passthrough() {
    return this._up === this._down;
  }

  /** Forget everything: the next input begins a new stream. */
  reset() {
    // The first samples are reached by a filter that looks back on silence.
    this._held = new Float32Array(this.passthrough ? 0 : this._half - 1);
    this._position = 0;
    this._in = this._out = 0;
  }

  /** @param {Float32Array} input @returns {Float32Array} as many samples as can be given by now */
  process(input) {
    this._in += input.length;
    if (this.passthrough) return input.slice();
    const held = joined(this._held, input);
    const taps = 2 * this._half;
    const table = this._table;
    const available = held.length - taps; // the last window that is complete begins here
    const last = available * this._up + this._up - 1;
    const count = available < 0 ? 0 : Math.max(0, Math.floor((last - this._position) / this._down) + 1);
    const output = new Float32Array(count);
    let position = this._position;
    for (let n = 0; n < count; n += 1) {
      const index = Math.floor(position / this._up);
      const phase = Math.floor(((position % this._up) * this._phases) / this._up);
      let sum = 0;
      for (let k = 0, t = phase * taps; k < taps; k += 1, t += 1) sum += held[index + k] * table[t];
      output[n] = sum;
      position += this._down;
    }
    const done = Math.min(Math.floor(position / this._up), held.length);
    this._held = held.slice(done);
    this._position = position - done * this._up;
    this._out += count;
    return output;
  }

  /** The rest, once no more comes: in and out then last equally long. @returns {Float32Array} */
  flush() {
    const owed = Math.round((this._in * this._up) / this._down) - this._out;
    const rest = this.passthrough ? new Float32Array(0) : this.process(new Float32Array(this._half + 1));
    this.reset();
    return rest.slice(0, Math.max(0, owed));
  }
}

/** @param {number} phases @param {number} half @param {number} narrow */
function kernel(phases, half, narrow) {
  const cutoff = narrow * ROLL_OFF;
  const taps = 2 * half;
  const table = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase += 1) {
    let sum = 0;
    for (let k = 0; k < taps; k += 1) {
      const t = k - (half - 1) - phase / phases;
      const value = cutoff * sinc(cutoff * t) * kaiser(t / half);
      table[phase * taps + k] = value;
      sum += value;
    }
    for (let k = 0; k < taps; k += 1) table[phase * taps + k] /= sum; // the same level at every phase
  }
  return table;
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @param {number} x place in the window, -1 to 1 */
function kaiser(x) {
  return Math.abs(x) >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel(KAISER_BETA);
}

/** Modified Bessel function of the first kind, order 0. @param {number} x */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** @param {number} a @param {number} b @returns {number} */
function greatestCommonDivisor(a, b) {
  return b ? greatestCommonDivisor(b, a % b) : a;
}

/** @param {Float32Array} before @param {Float32Array} after */
function joined(before, after) {
  const both = new Float32Array(before.length + after.length);
  both.set(before);
  both.set(after, before.length);
  return both;
}
