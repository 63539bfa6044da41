// A tab, window, microphone or file being dubbed: the graph, the connection and what a page shows
// of it, tied together. Used by the extension and by the portal's own page.
//
// Events: "change" (detail: View), "line" (detail: CaptionLine), "notice" (detail: {code, message}),
// "cue" (detail: what the mixer did, with `startS`, `dueS` in seconds of the graph's clock), "run"
// (a run has begun, or its sound has: text of the source must be told anew).

import { capture } from "./capture.js";
import { Captions } from "./captions.js";
import { Emitter } from "./emitter.js";
import { WIRE_RATE_HZ } from "./framer.js";
import { Player } from "./player.js";

const SILENCE_S = 8;
const SILENT_PEAK = 1e-4;
/** How long a stop waits for the last clauses. */
export const FINISH_S = 20;
/** Errors of a start whose languages the server cannot do. */
const LANGUAGES_REFUSED = new Set([
  "source_language_unsupported",
  "pair_unsupported",
  "target_language_unsupported",
]);

/**
 * @typedef {object} Volumes
 * @property {number} original 0 to 1
 * @property {number} dub 0 to 2
 * @property {number} floor of the original while a cue is heard, 0 to 1
 * @property {boolean} bypass the original only
 *
 * @typedef {"connecting" | "starting" | "dubbing" | "reconnecting" | "paused" | "stopping" | "ended"} Status
 *
 * @typedef {object} View
 * @property {Status} status
 * @property {number | null} lagS what the average word of the last line waited, seconds
 * @property {boolean} silent nothing has been heard for a while: digital silence
 * @property {{code: string, message: string} | null} trouble why it ended, or does not begin
 * @property {string} sourceLanguage as found by the server, or as asked
 * @property {string} targetLanguage
 * @property {Record<string, string>} engines role to name
 * @property {boolean} sourceText the text of the source is the page's
 * @property {Volumes} volumes
 * @property {number} offsetS
 * @property {Record<string, number>} gains of speakers
 * @property {import("./captions.js").Speaker[]} speakers
 * @property {{lines: number, skipped: number, cues: number, stalls: number}} counts
 *
 * @typedef {import("./connection.js").Connection} Link a connection, or what stands for one in
 *   another process
 */

export class DubSession extends Emitter {
  /**
   * @param {object} options
   * @param {AudioContext} options.context
   * @param {Link} options.link not yet opened
   * @param {URL | string} options.base folder of these modules, where the worklets are
   * @param {Partial<Volumes>} [options.volumes]
   * @param {number} [options.offsetS]
   */
  static async create({ context, link, base, volumes = {}, offsetS = 0 }) {
    const folder = new URL(".", String(base)).href;
    const player = await Player.create(context, `${folder}mixer-worklet.js`);
    return new DubSession(context, link, folder, player, volumes, offsetS);
  }

  /**
   * @param {AudioContext} context @param {Link} link @param {string} folder @param {Player} player
   * @param {Partial<Volumes>} volumes @param {number} offsetS
   */
  constructor(context, link, folder, player, volumes, offsetS) {
    super();
    this.context = context;
    this.link = link;
    this.player = player;
    this.captions = new Captions();
    this._folder = folder;
    /** @type {View} */
    this.view = {
      status: "connecting",
      lagS: null,
      silent: false,
      trouble: null,
      sourceLanguage: "",
      targetLanguage: "",
      engines: {},
      sourceText: false,
      volumes: { original: 1, dub: 1, floor: 0.15, bypass: false, ...volumes },
      offsetS,
      gains: {},
      speakers: [],
      counts: { lines: 0, skipped: 0, cues: 0, stalls: 0 },
    };
    /** @type {Record<string, unknown> | null} */
    this._request = null;
    /** @type {(() => void) | null} */
    this._endCapture = null;
    this._tied = false;
    this._hushed = false; // what the server still says is of a place that was left
    this._ready = false;
    this._quietS = 0;
    this._sent = 0;
    player.setVolumes(this.view.volumes);
    player.setOffset(offsetS);
    this._listen();
  }

  // What the listener does ------------------------------------------------------------

  /**
   * Begin to dub what `source` gives. The original is routed through the player as well, unless
   * it is heard by itself.
   * @param {AudioNode} source @param {Record<string, unknown>} request fields of `start_dubbing`;
   *   `instead` is another request, for a server that refuses its languages
   * @param {{route?: boolean}} [options]
   */
  async start(source, request, { route = true } = {}) {
    if (route) source.connect(this.player.node);
    this.player.node.connect(this.context.destination);
    this.link.open();
    this._begin(request);
    this._endCapture = await capture(this.context, source, `${this._folder}capture-worklet.js`, (frame) =>
      this._send(frame),
    );
  }

  /** Another run of the same sound: after a seek, or with other languages. @param {Record<string, unknown>} [request] */
  restart(request) {
    if (!this._request || this.view.status === "ended") return;
    this.player.clear();
    this._begin(request ?? this._request, { discard: true });
  }

  /** Nothing of what is being said is heard: the sound has jumped, and `restart` follows. */
  hush() {
    this._hushed = true;
    this.player.clear();
  }

  /** Nothing is sent or heard until `resume`; what was being said is not heard later. */
  pause() {
    if (!this._request || this.view.status === "paused" || this.view.status === "ended") return;
    this.player.clear();
    this.link.stop({ discard: true });
    this._show({ status: "paused" });
  }

  /** @param {Record<string, unknown>} [request] what is wanted now, where that has changed */
  resume(request) {
    if (this.view.status === "paused" && this._request) this._begin(request ?? this._request);
  }

  /** The last clauses are still heard, then everything ends. */
  stop() {
    if (this.view.status === "ended" || this.view.status === "stopping") return;
    if (this.view.status !== "dubbing") {
      this.close();
      return;
    }
    this._show({ status: "stopping" });
    this.link.stop();
    this._finishing = setTimeout(() => this.close(), FINISH_S * 1000);
  }

  /** Everything ends now; the original is at its full level. @param {{code: string, message: string} | null} [trouble] */
  close(trouble = null) {
    if (this.view.status === "ended") return;
    clearTimeout(this._finishing);
    this._endCapture?.();
    this._endCapture = null;
    this.player.clear();
    // What still plays in the mixer has 200 ms to give way to the original.
    setTimeout(() => this.player.close(), 200);
    this._show({ status: "ended", trouble: trouble ?? this.view.trouble });
    this.link.close();
  }

  /** @param {Partial<Volumes>} volumes */
  setVolumes(volumes) {
    this.player.setVolumes(volumes);
    this._show({ volumes: { ...this.view.volumes, ...volumes } });
  }

  /** @param {string} speaker @param {number} gain 0 to 2 */
  setSpeaker(speaker, gain) {
    this.player.setSpeaker(speaker, gain);
    this._show({ gains: { ...this.view.gains, [speaker]: gain } });
  }

  /** @param {number} seconds later than the server placed it */
  setOffset(seconds) {
    this.player.setOffset(seconds);
    this._show({ offsetS: this.player.clock.offsetS });
  }

  again() {
    return this.player.again();
  }

  /** Media time that is captured now, seconds; null before the first sound. */
  get mediaS() {
    return this._tied ? this.player.clock.mediaS(this.context.currentTime) : null;
  }

  /**
   * What is said in the source, as subtitles have it.
   * @param {import("./subtitles.js").SourceText} text @returns {boolean} whether it was sent
   */
  sendText(text) {
    const { status } = this.view;
    if (status === "paused" || status === "stopping" || status === "ended") return false;
    return this.link.sendText(text);
  }

  // What comes ------------------------------------------------------------------------

  /** @param {Record<string, unknown>} request @param {{discard?: boolean}} [options] */
  _begin(request, { discard = false } = {}) {
    this._request = request;
    this._hushed = false; // the connection leaves out the cues of the run before
    const { instead: _, ...asked } = request;
    this.link.start({ sample_rate: WIRE_RATE_HZ, ...asked, ...(discard ? { discard } : {}) });
    const connecting = this.link.state === "new" || this.link.state === "connecting";
    this._show({
      status: connecting ? "connecting" : "starting",
      sourceLanguage: String(request.source_language ?? "auto"),
      targetLanguage: String(request.target_language),
      sourceText: Boolean(request.source_text),
      trouble: null,
    });
    this.emit("run");
  }

  /** @param {{pcm: Int16Array, mediaS: number, peak: number, zeroS: number}} frame */
  _send({ pcm, mediaS, peak, zeroS }) {
    if (!this._tied) {
      this.player.tie(zeroS);
      this._tied = true;
      this.emit("run");
    }
    this._sent += 1;
    this._quietS = peak > SILENT_PEAK ? 0 : this._quietS + pcm.length / WIRE_RATE_HZ;
    const silent = this._quietS > SILENCE_S;
    if (silent !== this.view.silent) this._show({ silent });
    if (this.view.status !== "paused" && this.view.status !== "stopping") this.link.sendSound(pcm, mediaS);
  }

  _listen() {
    const { link, player } = this;
    on(link, "message", (message) => this._take(message));
    on(link, "sound", (frame) => this.view.status !== "paused" && player.sound(frame));
    on(link, "state", (state) => this._follow(state));
    on(link, "resumed", (how) => {
      if (how === "new") player.clear();
      this.emit("run");
      if (how !== "first") this._notice({ code: how === "new" ? "began_anew" : "resumed", message: "" });
    });
    on(link, "waiting", (code) => this._notice({ code, message: "" }));
    on(link, "leftout", () => this._notice({ code: "sound_left_out", message: "" }));
    on(link, "end", ({ code, message }) => this.close(code === "closed" ? null : { code, message }));
    for (const type of ["began", "ended", "stalled", "dropped", "cleared"])
      on(player, type, (detail) => this._heard(detail));
    on(player, "duck", ({ gain }) => this.emit("duck", gain));
    on(player, "level", (detail) => this.emit("level", detail));
  }

  /** @param {string} state of the connection */
  _follow(state) {
    if (this.view.status === "ended" || this.view.status === "paused") return;
    if (state === "reconnecting") this._show({ status: "reconnecting" });
    if (state === "open" && this.view.status === "connecting") this._show({ status: "starting" });
    if (state === "open" && this.view.status === "reconnecting")
      this._show({ status: this._ready ? "dubbing" : "starting" });
  }

  /** @param {any} message */
  _take(message) {
    switch (message.type) {
      case "ready":
        this._ready = true;
        this._show({
          status: "dubbing",
          sourceLanguage: message.source_language,
          targetLanguage: message.target_language,
          engines: message.engines,
        });
        return;
      case "language":
        this._show({ sourceLanguage: message.language });
        return;
      case "cue":
        if (this.view.status !== "paused" && !this._hushed) this.player.take(message);
        this._show({
          lagS: message.latencies.lag_ms / 1000 + this.player.clock.delayS,
          counts: { ...this.view.counts, cues: this.view.counts.cues + 1 },
        });
        break;
      case "cue_end":
        this.player.take(message);
        return;
      case "notice":
        this._notice(message);
        return;
      case "error":
        this._fail(message);
        return;
      case "summary":
        this._ready = false;
        if (this.view.status === "stopping") this._drain();
        this.emit("summary", message);
        return;
    }
    const line = this.captions.take(message);
    if (message.type === "speaker") this._show({ speakers: this.captions.speakers });
    if (message.type === "transcript" || (message.type === "skipped" && message.reason !== "discarded")) {
      const { lines, skipped } = this.view.counts;
      const more = message.type === "transcript" ? { lines: lines + 1 } : { skipped: skipped + 1 };
      this._show({ counts: { ...this.view.counts, ...more } });
    }
    if (line || message.type === "partial_transcript")
      this.emit("line", line);
  }

  /** All has been said: the last cue may still be heard. */
  _drain() {
    clearTimeout(this._finishing);
    const waits = () => {
      if (this.player.busy) this._finishing = setTimeout(waits, 100);
      else this.close();
    };
    waits();
  }

  /** @param {any} event of the mixer */
  _heard(event) {
    if (event.type === "stalled") {
      const { counts } = this.view;
      this._show({ counts: { ...counts, stalls: counts.stalls + 1 } });
    }
    if (event.type === "began" && event.line !== undefined) {
      const line = this.captions.heard(event.line);
      if (line) this.emit("line", line);
    }
    this.emit("cue", event);
  }

  /** @param {{code: string, message: string}} error */
  _fail({ code, message }) {
    const { instead } = this._request ?? {};
    const begins = this.view.status === "starting" || this.view.status === "connecting";
    if (instead && begins && LANGUAGES_REFUSED.has(code)) {
      this._begin(/** @type {Record<string, unknown>} */ (instead));
      return;
    }
    this._notice({ code, message });
    if (code === "source_text_invalid") return; // what was recognised is dubbed all the same
    // What cannot begin has failed; a line that could not be said has not.
    if (this.view.status === "starting" || this.view.status === "connecting") this.close({ code, message });
    else if (code === "quota_exceeded" || code === "session_lost") this.close({ code, message });
  }

  /** @param {{code: string, message: string}} notice */
  _notice({ code, message }) {
    this.emit("notice", { code, message });
  }

  /** @param {Partial<View>} news */
  _show(news) {
    this.view = { ...this.view, ...news };
    this.emit("change", this.view);
  }
}

/** @param {Emitter} target @param {string} type @param {(detail: any) => void} take */
function on(target, type, take) {
  target.addEventListener(type, ({ detail }) => take(detail));
}
