// What went to the server and may be needed again: numbered, in order, bounded.

/** Another server process may need again what this one has taken. */
export const KEEP_S = 15;
/** Sound that waits for a connection longer than this is left out, the oldest first. */
export const UNSENT_MAX_S = 20;

/**
 * @typedef {object} Kept
 * @property {string | ArrayBuffer} data
 * @property {number} chunk number of the sound frame, -1 for a message
 * @property {number} number of the message, 0 for sound
 * @property {number} at when it was said, milliseconds
 */

export class KeptMessages {
  constructor() {
    /** @type {Kept[]} */
    this._kept = [];
    this._next = 0; // index of the first that this connection has not sent
    this._taken = { chunk: -1, number: 0 };
    this.leftOut = 0;
  }

  get length() {
    return this._kept.length;
  }

  /** How many wait for a connection or for its buffer to empty. */
  get waiting() {
    return this._kept.length - this._next;
  }

  /** @param {Kept} message @param {number} now milliseconds */
  add(message, now) {
    this._kept.push(message);
    this._forget(now);
    for (let i = this._next; i < this._kept.length && this._kept[i].at < now - UNSENT_MAX_S * 1000; ) {
      if (this._kept[i].chunk < 0) i += 1;
      else {
        this._kept.splice(i, 1);
        this.leftOut += 1;
      }
    }
  }

  /** The server has these. @param {{chunk: number, number: number}} taken */
  acknowledge(taken) {
    this._taken = taken;
  }

  /** @param {number} now */
  _forget(now) {
    let done = 0;
    while (done < this._next) {
      const { chunk, number, at } = this._kept[done];
      const known = chunk <= this._taken.chunk && number <= this._taken.number;
      if (at > now - KEEP_S * 1000 || !known) break;
      done += 1;
    }
    this._kept.splice(0, done);
    this._next -= done;
  }

  /** A connection resumed: what comes after these goes again. @param {{chunk: number, number: number}} taken */
  rewind(taken) {
    this._taken = taken;
    const first = this._kept.findIndex(({ chunk, number }) => chunk > taken.chunk || number > taken.number);
    this._next = first < 0 ? this._kept.length : first;
  }

  /** The next message for this connection; null when all have gone. @returns {Kept | null} */
  next() {
    const message = this._kept[this._next] ?? null;
    if (message) this._next += 1;
    return message;
  }

  /** Nothing is continued. */
  clear() {
    this._kept = [];
    this._next = 0;
  }
}
