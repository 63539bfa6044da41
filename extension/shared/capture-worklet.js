// Worklet `dub-capture`: posts {position, pcm, peak, frame} for 40 ms of mono PCM16 at 16 kHz each.
// `frame` is the graph's frame at which position 0 was heard: it ties the media clock to the
// AudioContext's.

import { Framer } from "./framer.js";

class Capture extends AudioWorkletProcessor {
  /** @param {{processorOptions?: {frameMs?: number}}} [options] */
  constructor(options) {
    super();
    this._framer = new Framer(sampleRate, options?.processorOptions?.frameMs);
    this._began = -1;
    this._over = false;
    this.port.onmessage = () => {
      this._over = true;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    if (this._over) return false;
    if (this._began < 0) this._began = currentFrame;
    for (const frame of this._framer.push(inputs[0] ?? [], 128))
      this.port.postMessage({ ...frame, frame: this._began }, [frame.pcm.buffer]);
    return true;
  }
}

registerProcessor("dub-capture", Capture);
