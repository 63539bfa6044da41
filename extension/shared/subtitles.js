// A page's subtitles as text of the source: which track serves, what its cues say, and when that
// is on the media clock. Pure: times are arguments.
//
// The page's watcher tells windows of a track, with where the player was and when. The media clock
// counts captured sound and knows no player, so both are tied anew with every window: players
// stall, and then everything that is to come is told again at its new times.

/** From a player's sound to its capture, seconds; measured in Chromium with 20 ms frames. */
export const CAPTURE_S = 0.05;
/** A player that is off by more than this has stalled or jumped. */
export const DRIFT_S = 0.25;
/** Text is told again when less than this is left of it. */
export const LEFT_S = 15;
const SPAN_MAX_S = 110;
const CUES_MAX = 64;
const TEXT_MAX = 1000;
const CUE_MAX_S = 100;
const CUE_MIN_S = 0.05;

/**
 * @typedef {{language: string, kind: string}} Track
 *
 * @typedef {object} TrackWindow what the watcher tells
 * @property {string} language
 * @property {{start: number, end: number, text: string}[]} cues seconds of the player
 * @property {number} until seconds of the player up to which `cues` are all there are
 * @property {number} position of the player, seconds
 * @property {number} at when it was there, milliseconds since 1970
 * @property {number} rate of the player
 *
 * @typedef {{start_s: number, end_s: number, text: string}} SourceCue
 * @typedef {{language: string, from_s: number, until_s: number, cues: SourceCue[]}} SourceText
 */

/** The primary language of a tag. @param {string} tag */
export const primary = (tag) => tag.toLowerCase().split(/[-_]/)[0];

/**
 * Language of the tracks that serve as text of the source; empty where none does.
 *
 * Without a named source captions count, which are in the language that is spoken by definition,
 * or else subtitles where they are in one language only.
 * @param {Track[]} tracks @param {string} source a code, or `auto` @param {string} target
 */
export function languageOf(tracks, source, target) {
  const wanted = primary(source);
  if (wanted !== "auto") {
    // A track that does not say its language is taken for what the person says is spoken.
    const fits = tracks.some(({ language }) => !language || primary(language) === wanted);
    return fits && wanted !== primary(target) ? wanted : "";
  }
  const named = tracks.filter(({ language }) => language && primary(language) !== primary(target));
  const captions = named.filter(({ kind }) => kind === "captions");
  const languages = new Set((captions.length ? captions : named).map(({ language }) => primary(language)));
  return languages.size === 1 ? [...languages][0] : "";
}

/**
 * What is said in a cue: without markup, sounds and music; lines that begin with a dash are said
 * by one person each.
 * @param {string} text @returns {string[]}
 */
export function spokenIn(text) {
  const plain = text
    .replace(/<[^>]*>/g, "")
    .replace(/\[[^\]]*\]|♪[^♪\n]*♪?|♫[^♫\n]*♫?/g, " ")
    .replace(/^\s*\([^)]*\)\s*$/gm, " ");
  const lines = plain.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  const dashed = /^[-–—]\s*/;
  const speakers = lines.length > 1 && lines.every((line) => dashed.test(line)) ? lines : [lines.join(" ")];
  return speakers.map((said) => said.replace(dashed, "").replace(/\s+/g, " ").trim()).filter((said) => /[\p{L}\p{N}]/u.test(said));
}

/** @param {TrackWindow["cues"]} cues @returns {TrackWindow["cues"]} one for each thing said, in order */
function spokenCues(cues) {
  const spoken = cues.flatMap(({ start, end, text }) => {
    const parts = spokenIn(String(text));
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    let at = start;
    return parts.map((part) => {
      const begins = at;
      at += ((end - start) * part.length) / total;
      return { start: begins, end: at, text: part.slice(0, TEXT_MAX) };
    });
  });
  return spoken.sort((a, b) => a.start - b.start);
}

export class Subtitles {
  constructor() {
    /** @type {TrackWindow | null} */
    this._window = null;
    /** @type {TrackWindow["cues"]} */
    this._told = [];
    this._toldOffsetS = 0;
    this._toldUntil = -Infinity; // on the player's clock, as `_told`
  }

  /** The watcher has looked. @param {TrackWindow} window */
  take(window) {
    const { language, position, at, rate, until, cues } = window;
    const sound = [position, at, rate, until].every(Number.isFinite) && rate > 0;
    this._window = sound ? { language, position, at, rate, until, cues: spokenCues(cues) } : null;
  }

  /** The player has jumped or stopped: where it is is not known before the next window. */
  lose() {
    this._window = null;
  }

  /** Another run has begun, which knows nothing of what was told. */
  again() {
    this._told = [];
    this._toldUntil = -Infinity;
  }

  /**
   * What to tell now; null when all of it is known already.
   * @param {number} mediaS media time that is captured now @param {number} nowMs since 1970
   * @returns {SourceText | null}
   */
  message(mediaS, nowMs) {
    const window = this._window;
    if (!window) return null;
    const position = window.position + (window.rate * (nowMs - window.at)) / 1000;
    // Media time of the player's beginning, had it always played at this rate.
    const offsetS = mediaS + CAPTURE_S - position / window.rate;
    const later = window.cues.filter(({ end }) => end > position);
    const coming = later.slice(0, CUES_MAX);
    const until = later.length > CUES_MAX ? coming[CUES_MAX - 1].end : window.until;
    if (!this._isNews(coming, until, position, offsetS, window.rate)) return null;
    this._told = coming;
    this._toldOffsetS = offsetS;
    this._toldUntil = Math.max(until, position);
    const mapped = (/** @type {number} */ time) => Math.max(0, offsetS + time / window.rate);
    const fromS = round(Math.max(0, mediaS));
    return {
      language: window.language,
      from_s: fromS,
      until_s: until <= position ? fromS : round(Math.min(mapped(until), fromS + SPAN_MAX_S)),
      cues: coming.map(({ start, end, text }) => sourceCue(round(mapped(start)), mapped(end), text)),
    };
  }

  /**
   * Does the server not know this yet, or not for long?
   * @param {TrackWindow["cues"]} coming @param {number} until @param {number} position
   * @param {number} offsetS @param {number} rate
   */
  _isNews(coming, until, position, offsetS, rate) {
    if (this._toldUntil === -Infinity) return coming.length > 0 || until > position;
    const due = (/** @type {TrackWindow["cues"]} */ cues) =>
      JSON.stringify(cues.filter(({ start, end }) => end > position && start < this._toldUntil));
    if (due(coming) !== due(this._told)) return true;
    const anything = coming.length > 0 || this._toldUntil > position;
    if (anything && Math.abs(offsetS - this._toldOffsetS) > DRIFT_S) return true;
    const furthest = Math.max(position, this._toldUntil);
    return until > furthest && this._toldUntil - position < LEFT_S * rate;
  }
}

/** @param {number} startS @param {number} endS @param {string} text @returns {SourceCue} */
function sourceCue(startS, endS, text) {
  return { start_s: startS, end_s: round(Math.max(startS + CUE_MIN_S, Math.min(endS, startS + CUE_MAX_S))), text };
}

/** @param {number} seconds to the millisecond */
function round(seconds) {
  return Math.round(seconds * 1000) / 1000;
}
