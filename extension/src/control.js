// One tab's session as the extension runs it: what the page's watcher, the popup and the hotkeys
// do to a DubSession, and what the rest of the extension is told of it.

import { Subtitles } from "../shared/subtitles.js";
import { say } from "./api.js";

/**
 * @typedef {import("../shared/session.js").DubSession} DubSession
 * @typedef {import("./hub.js").Hub} Hub
 */

/** A pause shorter than this is the player buffering, or a person changing their mind. */
const PAUSE_MS = 300;
const RESTART_MS = 250;

export class Control {
  /**
   * @param {number} tabId @param {DubSession} session @param {Hub} hub
   * @param {{languagesNever: string[]}} rules
   * @param {(trouble: {code: string, message: string} | null) => void} ended
   */
  constructor(tabId, session, hub, rules, ended) {
    this.tabId = tabId;
    this.session = session;
    this._hub = hub;
    this._never = new Set(rules.languagesNever);
    this._left = false; // the original only, because this language is never dubbed
    this._status = "";
    this._rate = 1;
    this._text = new Subtitles();
    this._textTried = false;
    session.addEventListener("change", ({ detail }) => {
      this._show();
      this._follow(detail, ended);
    });
    session.addEventListener("line", () => this._show());
    session.addEventListener("run", () => {
      this._text.again();
      this._tellText();
    });
    session.addEventListener("notice", ({ detail }) => hub.notice(tabId, detail));
  }

  _show() {
    const { view, captions } = this.session;
    this._hub.show(this.tabId, view, captions.lines, captions.partial);
  }

  /** @param {import("../shared/session.js").View} view @param {(trouble: any) => void} ended */
  _follow(view, ended) {
    const never = this._never.has(view.sourceLanguage);
    if (never !== this._left) {
      this._left = never;
      this.session.setVolumes({ bypass: never });
      if (never) this._hub.notice(this.tabId, { code: "language_left", message: view.sourceLanguage });
    }
    if (view.status === this._status) return;
    this._status = view.status;
    if (view.status === "ended") ended(view.trouble);
    else say({ to: "background", type: "status", tabId: this.tabId, status: view.status });
  }

  /** An order of a popup, panel, overlay or hotkey. @param {any} order */
  take(order) {
    const { session } = this;
    switch (order?.type) {
      case "volumes":
        session.setVolumes(order.volumes);
        break;
      case "speaker":
        session.setSpeaker(String(order.speaker), Number(order.gain));
        break;
      case "offset":
        session.setOffset(Number(order.seconds));
        break;
      case "again":
        session.again();
        break;
      case "request":
        session.restart(order.request);
        break;
      case "text":
        // A track that came later than the dub.
        if (session.view.sourceText || this._textTried || session.view.status === "paused") break;
        this._textTried = true; // once: the server may refuse its language
        session.restart(order.request);
        break;
      case "bypass":
        session.setVolumes({ bypass: !session.view.volumes.bypass });
        break;
      case "louder":
        session.setVolumes({ dub: Math.max(0, Math.min(2, session.view.volumes.dub + Number(order.by))) });
        break;
    }
  }

  /** What the page's subtitles say. @param {import("../shared/subtitles.js").TrackWindow} window */
  subtitles(window) {
    this._text.take(window);
    this._tellText();
  }

  _tellText() {
    const { view, mediaS } = this.session;
    if (!view.sourceText || mediaS === null) return;
    const text = this._text.message(mediaS, Date.now());
    if (text && !this.session.sendText(text)) this._text.again();
  }

  /** What the page's player did. @param {{what: string, rate: number}} event */
  media({ what, rate }) {
    if (what === "pause" || what === "seeking" || what === "ratechange") this._text.lose();
    if (what === "pause") {
      clearTimeout(this._pausing);
      this._pausing = setTimeout(() => this.session.pause(), PAUSE_MS);
      return;
    }
    if (what === "playing") {
      clearTimeout(this._pausing);
      this.session.resume();
      return;
    }
    const changed = what === "seeking" || (what === "ratechange" && rate !== this._rate);
    if (what === "ratechange") this._rate = rate;
    if (!changed) return;
    this.session.hush(); // at once; a scrubbing hand starts one run, not fifty
    clearTimeout(this._restarting);
    this._restarting = setTimeout(() => {
      if (this.session.view.status !== "paused") this.session.restart();
    }, RESTART_MS);
  }

  /** @param {{code: string, message: string} | null} [trouble] */
  close(trouble) {
    clearTimeout(this._pausing);
    clearTimeout(this._restarting);
    this.session.close(trouble);
  }
}
