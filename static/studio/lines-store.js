// The lines of a project. Of each there is a little, enough to draw it on the timeline and to find
// it; whole lines are read as they come into view, and only so many are kept.

/** Whole lines. */
const KEPT_MAX = 1000;
/** As many as the interface gives at once. */
const ASKED_MAX = 200;

export class LinesStore {
  /** @param {import("./api.js").Api} api @param {string} project its address */
  constructor(api, project) {
    this._api = api;
    this._address = `${project}/lines`;
    /** @type {any[]} a little of every line, in order of time */
    this.rows = [];
    /** @type {Map<number, number>} number → where it is in `rows` */
    this._at = new Map();
    /** @type {Map<number, {line: any, generation: number}>} those asked for last at the end */
    this._whole = new Map();
    this._generation = 0;
    /** @type {Map<number, any> | null} what came by itself while all is being read: it is newer */
    this._meanwhile = null;
  }

  /** @param {number} number */
  get(number) {
    return this.rows[this._at.get(number) ?? -1] ?? null;
  }

  /** The whole line, perhaps as it was before the last reading. @param {number} number */
  whole(number) {
    return this._whole.get(number)?.line ?? null;
  }

  /** Whether the whole line is here as it is now. @param {number} number */
  isRead(number) {
    return this._whole.get(number)?.generation === this._generation;
  }

  /** The line that is said at a time. @param {number} atS */
  at(atS) {
    const row = this.rows[this.before(atS)];
    return row && atS < row.end_s ? row : null;
  }

  /** Where in `rows` the last line is that begins at a time or before it; -1: none does. @param {number} atS */
  before(atS) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].start_s <= atS) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The lines next to one: what room they have depends on it. @param {number} number */
  neighbours(number) {
    const at = this._at.get(number);
    return at === undefined ? [] : [this.rows[at - 1], this.rows[at + 1]].filter(Boolean).map((row) => row.number);
  }

  /** A little of every line anew. @param {() => void} onPart when there are more, while there were none */
  async read(onPart) {
    const rows = [];
    const first = !this.rows.length;
    this._meanwhile = new Map();
    for await (const page of this._api.pages(`${this._address}/overview`)) {
      rows.push(...page);
      if (first) {
        this._order([...rows]);
        onPart();
      }
    }
    const meanwhile = this._meanwhile;
    this._meanwhile = null;
    this._generation++;
    this._order(rows.filter((row) => !meanwhile.has(row.number)));
    for (const row of meanwhile.values()) if (row) this._place(row);
    for (const number of this._whole.keys()) if (!this._at.has(number)) this._whole.delete(number);
  }

  /** Whole lines; those that are not there any more go. @param {Iterable<number>} numbers */
  async readThese(numbers) {
    const wanted = [...new Set(numbers)];
    for (let n = 0; n < wanted.length; n += ASKED_MAX) {
      const asked = wanted.slice(n, n + ASKED_MAX);
      const { results } = await this._api.get(`${this._address}?limit=${ASKED_MAX}&numbers=${asked.join(",")}`);
      for (const line of results) this.put(line);
      const there = new Set(results.map((line) => line.number));
      for (const number of asked) if (!there.has(number)) this.remove(number);
    }
  }

  /** A line as it is now, or a new one. @param {any} line */
  put(line) {
    const { number, revision, start_s, end_s, speaker, state, problem, sound } = line;
    const row = { number, revision, start_s, end_s, speaker, state, marked: Boolean(problem || sound?.marks.length) };
    this._place(row);
    this._whole.delete(number);
    this._whole.set(number, { line, generation: this._generation });
    for (const oldest of this._whole.keys()) {
      if (this._whole.size <= KEPT_MAX) break;
      this._whole.delete(oldest);
    }
  }

  /** @param {number} number */
  remove(number) {
    this._whole.delete(number);
    this._meanwhile?.set(number, null);
    if (this._at.has(number)) this._order(this.rows.filter((row) => row.number !== number));
  }

  /** A little of a line, where its time puts it. @param {any} row */
  _place(row) {
    this._meanwhile?.set(row.number, row);
    const at = this._at.get(row.number);
    // Another list only where the order is another one.
    if (at !== undefined && this.rows[at].start_s === row.start_s) this.rows[at] = row;
    else this._order([...this.rows.filter((one) => one.number !== row.number), row].sort((a, b) => a.start_s - b.start_s || a.number - b.number));
  }

  /** @param {any[]} rows */
  _order(rows) {
    this.rows = rows;
    this._at = new Map(rows.map((row, at) => [row.number, at]));
  }
}
