// What is said, in both languages: the last lines of a session, told by the server's messages.

const LINES_MAX = 200;
const SPEAKERS_MAX = 64;

/**
 * @typedef {object} CaptionLine
 * @property {number} line
 * @property {string} source
 * @property {string} text in the target language, empty until it is translated
 * @property {string | null} speaker
 * @property {number} startS
 * @property {number} endS
 * @property {"waiting" | "scheduled" | "heard" | "skipped" | "merged"} how
 * @property {string} [reason] why it is skipped
 *
 * @typedef {object} Speaker
 * @property {string} speaker
 * @property {string} voice name of the voice, for people
 * @property {boolean} shaped after the person
 * @property {number} colour 0 upwards, in order of appearance
 */

export class Captions {
  constructor() {
    /** @type {Map<number, CaptionLine>} */
    this._lines = new Map();
    /** @type {Map<string, Speaker>} */
    this._speakers = new Map();
    /** What seems to be said just now. */
    this.partial = "";
  }

  /** @returns {CaptionLine[]} oldest first */
  get lines() {
    return [...this._lines.values()];
  }

  /** @returns {Speaker[]} in order of appearance */
  get speakers() {
    return [...this._speakers.values()];
  }

  /** @param {any} message of the server @returns {CaptionLine | null} the line that changed */
  take(message) {
    switch (message.type) {
      case "partial_transcript":
        this.partial = message.text;
        return null;
      case "transcript":
        this.partial = "";
        return this._put(message.line, {
          source: message.text,
          speaker: message.speaker,
          startS: message.start_s,
          endS: message.end_s,
        });
      case "translation":
        return this._put(message.line, { text: message.text });
      case "cue":
        return this._put(message.line, { how: "scheduled", speaker: message.speaker });
      case "skipped":
        return this._put(message.line, {
          how: "skipped",
          reason: message.reason,
          ...(message.text ? { text: message.text } : {}),
        });
      case "merged":
        return this._put(message.line, { how: "merged" });
      case "speaker":
        this._meet(message);
        return null;
      default:
        return null;
    }
  }

  /** Its cue is being heard. @param {number} line @returns {CaptionLine | null} */
  heard(line) {
    return this._lines.has(line) ? this._put(line, { how: "heard" }) : null;
  }

  clear() {
    this._lines.clear();
    this.partial = "";
  }

  /** @param {number} line @param {Partial<CaptionLine>} news @returns {CaptionLine} */
  _put(line, news) {
    const before = this._lines.get(line) ?? {
      line,
      source: "",
      text: "",
      speaker: null,
      startS: 0,
      endS: 0,
      how: /** @type {const} */ ("waiting"),
    };
    const now = { ...before, ...news };
    this._lines.set(line, now);
    if (this._lines.size > LINES_MAX) this._lines.delete(Math.min(...this._lines.keys()));
    return now;
  }

  /** @param {{speaker: string, voice_name: string, shaped: boolean}} message */
  _meet({ speaker, voice_name: voice, shaped }) {
    const known = this._speakers.get(speaker);
    if (!known && this._speakers.size >= SPEAKERS_MAX) return;
    this._speakers.set(speaker, { speaker, voice, shaped, colour: known?.colour ?? this._speakers.size });
  }
}
