// What the studio knows of its project, and reads anew when it has changed.

import { Refusal } from "./api.js";
import { LinesStore } from "./lines-store.js";

/** After the server refused, before it is asked for what is seen again. */
const PAUSE_MS = 2000;

export class Reader {
  /** @param {import("./api.js").Api} api @param {any} page @param {{changed: () => void, lineChanged: (number: number) => void, failed: (error: any) => void}} told */
  constructor(api, page, told) {
    this._api = api;
    this._page = page;
    this._told = told;
    /** @type {any} */
    this.project = null;
    this.lines = new LinesStore(api, page.project);
    /** @type {any[]} */
    this.speakers = [];
    /** @type {any[]} stock voices of the language */
    this.voices = [];
    /** @type {Map<string, number[]>} by whom → lines that are seen and not read */
    this._wanted = new Map();
    this._wantedFrom = 0;
    /** @type {Map<string, () => Promise<void>>} */
    this._waiting = new Map();
  }

  /** The project with its speakers and lines. */
  async readAll() {
    this.project = await this._api.get(this._page.project);
    await this.readSpeakers();
    await this.readLines();
  }

  async readSpeakers() {
    this.speakers = await this._api.all(`${this._page.project}/speakers`);
  }

  async readLines() {
    await this.lines.read(this._told.changed);
    this._told.changed();
  }

  async readVoices() {
    try {
      const { voices } = await this._api.get(`/api/voices?language=${this._page.languages.target}`);
      this.voices = voices.filter((one) => one.whose === "stock");
    } catch (error) {
      // It was made when the engines were others: what the server says is for programs.
      const mute = error instanceof Refusal && error.status === 400;
      this._told.failed(mute ? new Refusal(400, { detail: this._muteWords() }) : error);
    }
    this._told.changed();
  }

  _muteWords() {
    const { target } = this._page.languages;
    const language = new Intl.DisplayNames(["en"], { type: "language" }).of(target);
    return `No engine of yours speaks ${language} now, so these lines cannot be dubbed. “Engines and keys” in the settings tells what each one needs.`;
  }

  /** Lines that may have changed, and those beside them, whose room depends on them. @param {number[]} numbers */
  async readAround(numbers) {
    const around = new Set(numbers.flatMap((number) => [number, ...this.lines.neighbours(number)]));
    await this.lines.readThese(around);
    // A line that went elsewhere has others beside it now.
    const more = numbers.flatMap((number) => this.lines.neighbours(number)).filter((number) => !around.has(number));
    if (more.length) await this.lines.readThese(more);
    this._told.changed();
  }

  /**
   * Lines came into view that are not read; only those that are seen last are waited for.
   * @param {string} by whom @param {number[]} numbers
   */
  async want(by, numbers) {
    this._wanted.set(by, numbers);
    if (this._wanting || performance.now() < this._wantedFrom) return;
    this._wanting = true;
    try {
      while (this._wanted.size) {
        const now = [...this._wanted.values()].flat().filter((number) => !this.lines.isRead(number));
        this._wanted.clear();
        const before = this.lines.rows;
        await this.lines.readThese(now);
        if (this.lines.rows === before) now.forEach((number) => this._told.lineChanged(number));
        else this._told.changed();
      }
    } catch (error) {
      this._wanted.clear();
      this._wantedFrom = performance.now() + PAUSE_MS;
      this._told.failed(error);
    } finally {
      this._wanting = false;
    }
  }

  /**
   * One reading after the other; what is asked for twice while it waits is read once.
   * @param {string} what @param {() => Promise<void>} read
   */
  async again(what, read) {
    this._waiting.set(what, read);
    if (this._reading) return;
    this._reading = true;
    try {
      for (const [name, next] of this._waiting) {
        this._waiting.delete(name);
        await next();
      }
    } catch (error) {
      this._told.failed(error);
    } finally {
      this._reading = false;
    }
  }
}
