// Sound of a node to frames for the wire, off the main thread.

import { FRAME_MS, WIRE_RATE_HZ } from "./framer.js";

/**
 * @param {AudioContext} context
 * @param {AudioNode} source what to hear
 * @param {URL | string} workletUrl of `capture-worklet.js`
 * @param {(frame: {pcm: Int16Array, mediaS: number, peak: number, zeroS: number}) => void} take
 *   gets every frame; `zeroS` is the context's time of media time 0
 * @returns {Promise<() => void>} ends it
 */
export async function capture(context, source, workletUrl, take) {
  await context.audioWorklet.addModule(String(workletUrl));
  const clone = /** @type {any} */ (globalThis).cloneInto;
  const options = { numberOfInputs: 1, numberOfOutputs: 0, processorOptions: { frameMs: FRAME_MS } };
  const node = new AudioWorkletNode(context, "dub-capture", clone ? clone(options, globalThis.window) : options);
  node.port.onmessage = ({ data }) =>
    take({
      pcm: data.pcm,
      mediaS: data.position / WIRE_RATE_HZ,
      peak: data.peak,
      zeroS: data.frame / context.sampleRate,
    });
  source.connect(node);
  return () => {
    node.port.onmessage = null;
    node.port.postMessage("end");
    source.disconnect(node);
  };
}
