// Worklet `dub-mixer`: `Mixer` in an AudioContext. Takes its commands, posts lists of its events.

import { Mixer } from "./mixer.js";

class MixerProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this._mixer = new Mixer(sampleRate);
    this._over = false;
    this.port.onmessage = ({ data }) => {
      if (data.type === "close") this._over = true;
      else this._mixer.command(data);
    };
  }

  /** @param {Float32Array[][]} inputs @param {Float32Array[][]} outputs */
  process(inputs, outputs) {
    this._mixer.process(inputs[0] ?? [], outputs[0], currentFrame);
    const events = this._mixer.take();
    if (events.length) this.port.postMessage(events);
    return !this._over;
  }
}

registerProcessor("dub-mixer", MixerProcessor);
