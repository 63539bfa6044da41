// What is heard: one `dub-mixer` node, fed with the cues and cue sound that the socket brings.
//
//     original → player.node → destination
//
// Events: "began", "ended", "stalled", "dropped", "cleared" (detail: the mixer's event), "duck" (detail: gain),
// "level" (detail: root mean squares of original, original as heard, and dub).

import { Emitter } from "./emitter.js";
import { toFloat } from "./pcm.js";
import { PlayoutClock } from "./playout.js";
import { Resampler } from "./resampler.js";

const KEPT_S = 30;
const CUES_KNOWN_MAX = 64;
/** Cues that the player makes itself are numbered downwards from here. */
const REPEAT = -1;
/** In Firefox a content script's objects must be cloned before the page's own classes take them. */
const cloned = /** @type {<T>(value: T) => T} */ (
  (value) => {
    const clone = /** @type {any} */ (globalThis).cloneInto;
    return clone ? clone(value, globalThis.window) : value;
  }
);

/**
 * @typedef {object} KnownCue
 * @property {Resampler} resampler
 * @property {string | null} speaker
 * @property {number} startS
 * @property {number} due seconds on the graph's clock
 * @property {number} line
 * @property {boolean} sounding its first sound has come
 */

export class Player extends Emitter {
  /**
   * @param {AudioContext} context @param {URL | string} workletUrl of `mixer-worklet.js`
   * @returns {Promise<Player>}
   */
  static async create(context, workletUrl) {
    await context.audioWorklet.addModule(String(workletUrl));
    const node = new AudioWorkletNode(
      context,
      "dub-mixer",
      cloned({ numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [2] }),
    );
    return new Player(context, node);
  }

  /** @param {AudioContext} context @param {AudioWorkletNode} node */
  constructor(context, node) {
    super();
    this.context = context;
    /** Connect the original to it, and it to the destination. */
    this.node = node;
    this.clock = new PlayoutClock();
    /** @type {Map<number, KnownCue>} */
    this._cues = new Map();
    /** @type {{cue: number, speaker: string | null, parts: Float32Array[]} | null} */
    this._last = null;
    /** @type {{cue: number, speaker: string | null, parts: Float32Array[]} | null} */
    this._coming = null;
    this._repeats = 0;
    node.port.onmessage = ({ data }) => {
      for (const event of data) this._note(event);
    };
  }

  /** Is a cue heard, or waiting to be? */
  get busy() {
    return this._cues.size > 0;
  }

  /** @param {import("./mixer.js").Command} command */
  _send(command) {
    this.node.port.postMessage(cloned(command));
  }

  /** Media time 0 was captured at this time of the context. @param {number} seconds */
  tie(seconds) {
    this.clock.reset(seconds);
  }

  /**
   * A message of the server; only cues matter here.
   * @param {any} message
   */
  take(message) {
    if (message.type === "cue") this._announce(message);
    if (message.type === "cue_end") this._complete(message.cue);
  }

  /** @param {{cue: number, line: number, speaker: string | null, start_s: number, sample_rate: number}} message */
  _announce({ cue, line, speaker, start_s: startS, sample_rate: rate }) {
    if (this._cues.has(cue)) return;
    while (this._cues.size >= CUES_KNOWN_MAX) this._cues.delete(/** @type {number} */ (this._cues.keys().next().value));
    const due = this.clock.due(startS, this.context.currentTime);
    const resampler = new Resampler(rate, this.context.sampleRate);
    this._cues.set(cue, { resampler, speaker, startS, due, line, sounding: false });
    this._coming = { cue, speaker, parts: [] };
    this._send({ type: "cue", cue, frame: Math.round(due * this.context.sampleRate), speaker });
  }

  /** A block of a cue's sound. @param {import("./wire.js").CueFrame} frame */
  sound({ cue, last, pcm }) {
    const known = this._cues.get(cue);
    if (!known) return;
    if (!known.sounding) this.clock.note(known.startS, this.context.currentTime);
    known.sounding = true;
    const samples = known.resampler.process(toFloat(pcm));
    this._give(cue, last ? joined(samples, known.resampler.flush()) : samples, last);
  }

  /** @param {number} cue @param {Float32Array} samples @param {boolean} last */
  _give(cue, samples, last) {
    if (this._coming?.cue === cue) {
      const kept = this._coming.parts.reduce((sum, part) => sum + part.length, 0);
      if (kept < KEPT_S * this.context.sampleRate) this._coming.parts.push(samples.slice());
      if (last) this._last = this._coming;
    }
    this._send({ type: "sound", cue, samples, last });
  }

  /** All sound of a cue has come, also where no block said that it was the last. @param {number} cue */
  _complete(cue) {
    const known = this._cues.get(cue);
    if (known) this._give(cue, known.resampler.flush(), true);
  }

  /** Says the last phrase once more, after what is being said. @returns {boolean} whether there is one */
  again() {
    const phrase = this._last;
    if (!phrase?.parts.length) return false;
    const cue = REPEAT - this._repeats;
    this._repeats += 1;
    const frame = Math.round((this.context.currentTime + 0.15) * this.context.sampleRate);
    this._send({ type: "cue", cue, frame, speaker: phrase.speaker });
    phrase.parts.forEach((part, index) =>
      this._send({ type: "sound", cue, samples: part.slice(), last: index === phrase.parts.length - 1 }),
    );
    return true;
  }

  /** Forget all that is scheduled and bring the original back: nothing of a run that ended is heard. */
  clear() {
    this._cues.clear();
    this._coming = null;
    this._send({ type: "clear" });
  }

  /**
   * @param {{original?: number, dub?: number, floor?: number, bypass?: boolean}} volumes
   *   of the original (0 to 1), the dub (0 to 2) and the original under a cue (0 to 1);
   *   `bypass`: the original only
   */
  setVolumes(volumes) {
    this._send({ type: "volumes", ...volumes });
  }

  /** @param {string} speaker @param {number} gain 0 to 2; 0 mutes */
  setSpeaker(speaker, gain) {
    this._send({ type: "speaker", speaker, gain });
  }

  /** @param {number} seconds later than placed, less than 0: sooner, as far as sound is there */
  setOffset(seconds) {
    this.clock.setOffset(seconds);
  }

  /** Levels every 10 ms instead of twice a second. @param {boolean} on */
  measure(on) {
    this._send({ type: "measure", on });
  }

  close() {
    this._cues.clear();
    this.node.port.postMessage(cloned({ type: "close" }));
    this.node.disconnect();
  }

  /** @param {import("./mixer.js").MixerEvent} event */
  _note(event) {
    const known = "cue" in event ? this._cues.get(event.cue) : undefined;
    const detail = known ? { ...event, startS: known.startS, dueS: known.due, line: known.line, speaker: known.speaker } : event;
    this.emit(event.type, detail);
    if (event.type === "ended" || event.type === "dropped") this._cues.delete(event.cue);
  }
}

/** @param {Float32Array} before @param {Float32Array} after */
function joined(before, after) {
  const both = new Float32Array(before.length + after.length);
  both.set(before);
  both.set(after, before.length);
  return both;
}
