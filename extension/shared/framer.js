// Sound of an audio graph, block by block, to the frames that the wire carries.

import { toMono, toPcm16 } from "./pcm.js";
import { Resampler } from "./resampler.js";

export const WIRE_RATE_HZ = 16_000;
export const FRAME_MS = 40;

/**
 * @typedef {object} CapturedFrame
 * @property {number} position number of its first sample since the start, at 16 kHz
 * @property {Int16Array} pcm
 * @property {number} peak 0 to 1, for level meters and for noticing silence
 */

export class Framer {
  /** @param {number} rate of the graph, Hz @param {number} [frameMs] 20 to 100 */
  constructor(rate, frameMs = FRAME_MS) {
    this._size = Math.round((WIRE_RATE_HZ * Math.max(20, Math.min(100, frameMs))) / 1000);
    this._resampler = new Resampler(rate, WIRE_RATE_HZ);
    this._frame = new Float32Array(this._size);
    this._filled = 0;
    this._position = 0;
  }

  /**
   * @param {Float32Array[]} channels of one block; none is silence of `length`
   * @param {number} length @returns {CapturedFrame[]} frames that are complete now
   */
  push(channels, length) {
    const block = channels.length ? toMono(channels) : new Float32Array(length);
    const made = this._resampler.process(block);
    const frames = [];
    for (let taken = 0; taken < made.length; ) {
      const part = made.subarray(taken, taken + this._size - this._filled);
      this._frame.set(part, this._filled);
      this._filled += part.length;
      taken += part.length;
      if (this._filled === this._size) frames.push(this._take());
    }
    return frames;
  }

  /** @returns {CapturedFrame} */
  _take() {
    let peak = 0;
    for (const sample of this._frame) peak = Math.max(peak, Math.abs(sample));
    const frame = { position: this._position, pcm: toPcm16(this._frame), peak: Math.min(1, peak) };
    this._position += this._size;
    this._filled = 0;
    return frame;
  }
}
