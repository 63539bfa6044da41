// The whole of what is heard, sample by sample: the original, ducked ahead of each cue, and the
// cues at their frames, limited. Knows no AudioContext: `mixer-worklet.js` runs it in one, tests
// run it on arrays. Frames are the graph's, counted from its beginning.
//
// It decides alone when the original comes back, from the sound that is really there, so a page,
// worker or network that died cannot leave the original lowered.

import { DUCK_DOWN_S, Ducker } from "./ducker.js";
import { Limiter } from "./limiter.js";

/** Sound that must be there before a cue, or the rest of a stalled one, begins. */
export const JITTER_S = 0.06;
/** Silence between two cues. */
export const GUARD_S = 0.03;
/** A cue without sound at its time is waited for so long. */
export const PATIENCE_S = 2;
/** A cue that would be heard later than this after its time is not heard. */
export const LATE_MAX_S = 4;
export const CUES_MAX = 64;
/** Sound of one cue that is kept; what goes beyond is not heard. */
export const CUE_MAX_S = 60;
/** Silence within a cue before the original comes back. */
const STALL_S = 0.02;
const FADE_S = 0.004;
const VOLUME_S = 0.03;

/**
 * @typedef {{type: "cue", cue: number, frame: number, speaker?: string | null}
 *   | {type: "sound", cue: number, samples: Float32Array, last: boolean}
 *   | {type: "volumes", original?: number, dub?: number, floor?: number, bypass?: boolean}
 *   | {type: "speaker", speaker: string, gain: number}
 *   | {type: "clear"}
 *   | {type: "measure", on: boolean}} Command
 *
 * @typedef {{type: "began", cue: number, frame: number, due: number, ready: number}
 *   | {type: "ended", cue: number, frame: number, samples: number, gaps: number}
 *   | {type: "stalled", cue: number, frame: number}
 *   | {type: "dropped", cue: number, why: "late" | "silent" | "full"}
 *   | {type: "cleared", frame: number}
 *   | {type: "duck", gain: number}
 *   | {type: "level", frame: number, original: number, heard: number, dub: number}} MixerEvent
 *
 * @typedef {object} Cue
 * @property {number} cue
 * @property {number} frame when it is due
 * @property {string | null} speaker
 * @property {Float32Array[]} parts
 * @property {number} waiting samples in `parts`
 * @property {number} ready frame from which there was sound enough to begin, -1 before
 * @property {number} offset samples of the first part that were heard
 * @property {boolean} complete
 * @property {boolean} begun
 * @property {boolean} stalled
 * @property {number} played
 * @property {number} gaps stalls on the way
 * @property {number} fade samples since sound began, for the fade in
 * @property {number} gain of the sample heard last
 * @property {number} last that sample
 */

export class Mixer {
  /** @param {number} rate of the graph, Hz */
  constructor(rate) {
    this.rate = rate;
    this._ducker = new Ducker(rate);
    this._limiter = new Limiter(rate);
    /** @type {Cue[]} */
    this._cues = [];
    /** @type {Map<string, number>} */
    this._speakers = new Map();
    /** @type {MixerEvent[]} */
    this._events = [];
    this._free = 0; // first frame at which the next cue may begin
    this._next = 0; // first frame that was not made yet
    this._dry = 0; // frames that a begun cue has been without sound
    this._original = { now: 1, target: 1 };
    this._dub = { now: 1, target: 1 };
    this._bypass = false;
    this._measure = false;
    this._levels = { original: 0, heard: 0, dub: 0, frames: 0 };
    this._told = 1;
    this._gains = new Float32Array(128);
    this._voice = new Float32Array(128);
    this._tail = new Float32Array(0); // of a cue that was broken off
    this._tailAt = 0; // first sample of it that was not heard yet
  }

  /** Frames between what comes in and what goes out. */
  get delay() {
    return this._limiter.delay;
  }

  /** @returns {MixerEvent[]} what happened since the last call */
  take() {
    const events = this._events;
    if (events.length) this._events = [];
    return events;
  }

  /** @param {Command} command */
  command(command) {
    if (command.type === "cue") this._announce(command);
    else if (command.type === "sound") this._receive(command);
    else if (command.type === "speaker") this._speakers.set(command.speaker, clamp(command.gain, 2));
    else if (command.type === "volumes") this._adjust(command);
    else if (command.type === "measure") this._measure = command.on;
    else if (command.type === "clear") {
      if (this._cues[0]) this._breakOff(this._cues[0]);
      this._cues = [];
      this._free = 0;
      this._ducker.release();
      this._events.push({ type: "cleared", frame: this._next });
    }
  }

  /** @param {{cue: number, frame: number, speaker?: string | null}} command */
  _announce({ cue, frame, speaker }) {
    const known = this._cues.find((other) => other.cue === cue);
    if (known) {
      if (!known.begun) known.frame = frame; // told again by another server process
      return;
    }
    if (this._cues.length >= CUES_MAX) this._events.push({ type: "dropped", cue, why: "full" });
    else this._cues.push(newCue(cue, frame, speaker ?? null));
  }

  /** @param {{cue: number, samples: Float32Array, last: boolean}} command */
  _receive({ cue, samples, last }) {
    const found = this._cues.find((other) => other.cue === cue);
    if (!found || found.complete) return;
    if (found.waiting > CUE_MAX_S * this.rate) return;
    if (samples.length) found.parts.push(samples);
    found.waiting += samples.length;
    found.complete = last;
  }

  /** @param {{original?: number, dub?: number, floor?: number, bypass?: boolean}} command */
  _adjust({ original, dub, floor, bypass }) {
    if (original !== undefined) this._original.target = clamp(original, 1);
    if (dub !== undefined) this._dub.target = clamp(dub, 2);
    if (floor !== undefined) this._ducker.floor = floor;
    if (bypass === undefined) return;
    if (bypass && !this._bypass) this._ducker.release();
    this._bypass = bypass;
  }

  /**
   * One block. @param {Float32Array[]} input channels of the original, none while there is none
   * @param {Float32Array[]} output two channels, filled @param {number} frame of the first sample
   */
  process(input, output, frame) {
    const [left, right] = output;
    const size = left.length;
    if (this._voice.length !== size) {
      this._voice = new Float32Array(size);
      this._gains = new Float32Array(size);
    }
    this._voice.fill(0);
    for (const cue of this._cues) if (cue.ready < 0 && this._enough(cue)) cue.ready = frame;
    this._fade(this._voice, 0);
    const audible = this._play(this._voice, frame);
    this._ducker.fill(this._gains, frame, !this._bypass && audible);
    const originalStep = step(this._original, size, this.rate);
    const dubStep = step({ now: this._dub.now, target: this._bypass ? 0 : this._dub.target }, size, this.rate);
    let heardSum = 0;
    let dubSum = 0;
    let inSum = 0;
    for (let i = 0; i < size; i += 1) {
      this._original.now += originalStep;
      this._dub.now += dubStep;
      const gain = this._gains[i] * this._original.now;
      const voice = this._voice[i] * this._dub.now;
      const inLeft = input[0] ? input[0][i] : 0;
      const inRight = input[1] ? input[1][i] : inLeft;
      inSum += inLeft * inLeft;
      heardSum += inLeft * gain * (inLeft * gain);
      dubSum += voice * voice;
      left[i] = inLeft * gain + voice;
      right[i] = inRight * gain + voice;
    }
    this._limiter.process(left, right);
    this._next = frame + size;
    this._tell(frame, size, inSum, heardSum, dubSum);
  }

  /** Plays the first cue into `voice`; is a cue heard, or about to be? @param {Float32Array} voice @param {number} frame */
  _play(voice, frame) {
    let at = 0;
    while (at < voice.length) {
      const cue = this._cues[0];
      if (!cue) return this._soon(frame + voice.length);
      if (!cue.begun || cue.stalled) {
        const begins = this._ready(cue, frame + at, frame + voice.length);
        if (begins < 0) {
          if (cue.begun) this._dry += voice.length - at;
          if (this._cues[0] === cue) return this._soon(frame + voice.length);
          continue;
        }
        at = Math.max(at, begins - frame);
        this._begin(cue, frame + at);
      }
      at = this._copy(cue, voice, at);
      if (cue.waiting) return true;
      if (cue.complete) this._end(cue, frame + at);
      else {
        this._breakOff(cue);
        this._fade(voice, at);
        cue.stalled = true;
        cue.gaps += 1;
        this._dry = 0;
        this._events.push({ type: "stalled", cue: cue.cue, frame: frame + at });
      }
    }
    return true;
  }

  /**
   * The frame before `end` at which a cue that waits may begin, -1 while it may not.
   * @param {Cue} cue @param {number} now @param {number} end
   */
  _ready(cue, now, end) {
    const due = cue.begun ? now : Math.max(cue.frame, this._free, now);
    if (due >= end) return -1;
    if (this._enough(cue)) {
      if (!cue.begun && due - cue.frame > LATE_MAX_S * this.rate) return this._drop(cue, "late");
      return due;
    }
    if (cue.complete) return cue.begun ? due : this._drop(cue, "silent");
    const waited = cue.begun ? this._dry : now - Math.max(cue.frame, this._free);
    if (waited > PATIENCE_S * this.rate) return this._drop(cue, "silent");
    return -1;
  }

  /** May its sound begin without running dry at once? @param {Cue} cue */
  _enough(cue) {
    return cue.waiting > 0 && (cue.complete || cue.waiting >= JITTER_S * this.rate);
  }

  /** @param {Cue} cue @param {"late" | "silent"} why */
  _drop(cue, why) {
    this._cues.shift();
    this._events.push({ type: "dropped", cue: cue.cue, why });
    return -1;
  }

  /** @param {Cue} cue @param {number} frame */
  _begin(cue, frame) {
    if (!cue.begun) this._events.push({ type: "began", cue: cue.cue, frame, due: cue.frame, ready: cue.ready });
    cue.begun = true;
    cue.stalled = false;
    cue.fade = 0;
    this._dry = 0;
  }

  /** Returns where in the block the cue's sound ends for now. @param {Cue} cue @param {Float32Array} voice @param {number} at */
  _copy(cue, voice, at) {
    const gain = cue.speaker === null ? 1 : (this._speakers.get(cue.speaker) ?? 1);
    const fade = FADE_S * this.rate;
    while (at < voice.length && cue.parts.length) {
      const part = cue.parts[0];
      const count = Math.min(voice.length - at, part.length - cue.offset);
      for (let i = 0; i < count; i += 1) {
        const rise = cue.fade < fade ? cue.fade / fade : 1;
        cue.gain = gain * rise;
        cue.last = part[cue.offset + i] * cue.gain;
        voice[at + i] += cue.last;
        cue.fade += 1;
      }
      at += count;
      cue.offset += count;
      cue.waiting -= count;
      cue.played += count;
      if (cue.offset === part.length) {
        cue.parts.shift();
        cue.offset = 0;
      }
    }
    return at;
  }

  /**
   * A cue that is heard goes no further for now. Its next samples fade away, or its last one where
   * there are no more: sound that is cut clicks.
   * @param {Cue} cue
   */
  _breakOff(cue) {
    if (!cue.begun || cue.stalled) return;
    const next = cue.parts[0]?.subarray(cue.offset) ?? [];
    const tail = new Float32Array(Math.round(FADE_S * this.rate));
    let sample = cue.last;
    for (let i = 0; i < tail.length; i += 1) {
      if (i < next.length) sample = next[i] * cue.gain;
      tail[i] = sample * (1 - (i + 1) / tail.length);
    }
    this._tail = tail;
    this._tailAt = 0;
  }

  /** Adds what is left of a broken cue. @param {Float32Array} voice @param {number} at */
  _fade(voice, at) {
    for (let i = at; i < voice.length && this._tailAt < this._tail.length; i += 1) {
      voice[i] += this._tail[this._tailAt];
      this._tailAt += 1;
    }
  }

  /** @param {Cue} cue @param {number} frame */
  _end(cue, frame) {
    this._cues.shift();
    this._free = frame + Math.round(GUARD_S * this.rate);
    this._events.push({ type: "ended", cue: cue.cue, frame, samples: cue.played, gaps: cue.gaps });
  }

  /** Nothing is heard now: does a cue with sound begin before the original would be down? @param {number} frame */
  _soon(frame) {
    const cue = this._cues[0];
    if (!cue) return false;
    if (cue.begun) {
      if (this._dry > STALL_S * this.rate) this._ducker.release();
      return this._dry <= STALL_S * this.rate;
    }
    // Its first sound is here and the rest on the way: down it goes, unless the rest is late.
    const late = frame - Math.max(cue.frame, this._free);
    if (!cue.waiting || (late > STALL_S * this.rate && !this._enough(cue))) return false;
    return Math.max(cue.frame, this._free) - frame <= DUCK_DOWN_S * this.rate;
  }

  /** @param {number} frame @param {number} size @param {number} original @param {number} heard @param {number} dub */
  _tell(frame, size, original, heard, dub) {
    const gain = this._ducker.gain;
    if (Math.abs(gain - this._told) > 0.01 || (gain === 1 && this._told !== 1)) {
      this._told = gain;
      this._events.push({ type: "duck", gain });
    }
    const levels = this._levels;
    levels.original += original;
    levels.heard += heard;
    levels.dub += dub;
    levels.frames += size;
    if (levels.frames < (this._measure ? 0.01 : 0.5) * this.rate) return;
    const root = (/** @type {number} */ sum) => Math.sqrt(sum / levels.frames);
    this._events.push({
      type: "level",
      frame: frame + size - levels.frames,
      original: root(levels.original),
      heard: root(levels.heard),
      dub: root(levels.dub),
    });
    this._levels = { original: 0, heard: 0, dub: 0, frames: 0 };
  }
}

/** @param {number} cue @param {number} frame @param {string | null} speaker @returns {Cue} */
function newCue(cue, frame, speaker) {
  return {
    cue,
    frame,
    speaker,
    parts: [],
    waiting: 0,
    ready: -1,
    offset: 0,
    complete: false,
    begun: false,
    stalled: false,
    played: 0,
    gaps: 0,
    fade: 0,
    gain: 0,
    last: 0,
  };
}

/** What to add per sample so that a volume moves without a click. @param {{now: number, target: number}} volume @param {number} size @param {number} rate */
function step(volume, size, rate) {
  const way = volume.target - volume.now;
  const most = size / (VOLUME_S * rate);
  return Math.max(-most, Math.min(most, way)) / size;
}

/** @param {number} value @param {number} most */
function clamp(value, most) {
  return Math.max(0, Math.min(most, value));
}
