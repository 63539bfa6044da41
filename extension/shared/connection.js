// One dubbing session over any number of sockets: opens, resumes, comes back with growing pauses,
// keeps what may be needed again, and hands over what is of the run in hand.
//
// Events: "state" (detail: `state`), "message" (detail: the server's message), "sound" (detail:
// CueFrame), "resumed" (detail: how), "end" (detail: {code, message, closeCode}).
// Cues and their sound of a run that was replaced are not handed over.

import { Emitter } from "./emitter.js";
import { KeptMessages } from "./kept.js";
import { SUBPROTOCOL, WireError, decodeCueFrame, encodeSourceFrame } from "./wire.js";

const BUFFERED_MAX = 64_000;
const ACKNOWLEDGE_EVERY = 32;
const RETRY_MS = [100, 300, 700, 1500, 3000, 5000, 8000];
const LATER_MS = [2000, 4000, 8000, 15_000];
const PING_AFTER_MS = 2500;
const DEAD_AFTER_MS = 6000;
const OPEN_TIMEOUT_MS = 10_000;
const LOOK_MS = 500;
/** How long it goes on trying: a laptop that was closed for a while goes on dubbing. */
export const PATIENCE_MS = 10 * 60_000;
const BUSY_PATIENCE_MS = 60_000;
const AT_ONCE = new Set([1001, 1005, 1006, 1011, 1012, 1015]);
const OVERLOAD = 1013;
const BUSY = 4409;
/** Errors of a start_dubbing that was refused while another run went on. */
const REFUSED = new Set([
  "language_invalid",
  "candidates_invalid",
  "sample_rate_unsupported",
  "glossary_too_long",
  "engine_unknown",
  "engine_role_unknown",
  "too_many_runs",
  "message_invalid",
]);

/** Why no ticket could be had; final when asking again would not help. */
export class TicketError extends Error {
  /** @param {string} code @param {string} message @param {{final: boolean}} options */
  constructor(code, message, { final }) {
    super(message);
    this.name = "TicketError";
    this.code = code;
    this.final = final;
  }
}

/**
 * @typedef {"new" | "connecting" | "open" | "reconnecting" | "closed"} ConnectionState
 *
 * @typedef {object} ConnectionOptions
 * @property {string} server such as `https://dub.example.org`
 * @property {() => Promise<string | null>} ticket a subprotocol `ticket.…` for one connection;
 *   null where the login cookie counts. Rejects with TicketError.
 * @property {string} [session] UUID
 * @property {string} [name] of the connection, for the server's log
 * @property {typeof WebSocket} [Socket]
 * @property {() => number} [now] milliseconds
 * @property {() => number} [random]
 */

export class Connection extends Emitter {
  /** @param {ConnectionOptions} options */
  constructor({ server, ticket, session, name = "extension", Socket, now, random }) {
    super();
    this.session = session ?? crypto.randomUUID();
    this._address = socketAddress(server);
    this._name = name;
    this._ticket = ticket;
    this._Socket = Socket ?? WebSocket;
    this._now = now ?? Date.now;
    this._random = random ?? Math.random;
    /** @type {ConnectionState} */
    this.state = "new";
    this._kept = new KeptMessages();
    this._number = 0;
    this._run = 0; // number of the start that was said last
    this._chunk = 0;
    /** @type {Record<string, unknown> | null} */
    this._request = null; // of the run that is wanted
    this._stopping = false;
    this._pending = 0; // starts that were not answered
    this._running = false; // between ready and summary
    this._last = -1;
    this._cue = 0;
    this._samples = 0;
    this._unacknowledged = 0;
    this._stale = new Set(); // cues of a run that was replaced
    this._first = true;
    this._attempt = 0;
    this._lostAt = 0;
    this._heardAt = 0;
    this._pinged = false;
    /** @type {WebSocket | null} */
    this._socket = null;
    this._resumed = false;
    /** @type {{code: string, message: string, closeCode: number} | null} */
    this._reason = null;
    this._pumping = false;
    this._leftOut = 0;
    this._saidLeftOut = false;
    this._generation = 0;
  }

  // What the caller says --------------------------------------------------------------

  /** Connect; what is said meanwhile is sent as soon as that has worked. */
  open() {
    if (this.state !== "new") return;
    this._lostAt = this._now();
    this._enter("connecting");
    this._watch = setInterval(() => this._look(), LOOK_MS);
    this._connect();
  }

  /**
   * Begin to dub, or begin anew.
   * @param {Record<string, unknown>} request fields of `start_dubbing`; with `discard` nobody
   *   wants what is left of the run before
   */
  start({ discard = false, ...request }) {
    this._request = request;
    this._stopping = false;
    this._pending += 1;
    this._run = this._order({ type: "start_dubbing", ...request, ...(discard ? { discard } : {}) });
  }

  /**
   * No more sound comes; what was said is still dubbed, then comes a `summary`.
   * @param {{discard?: boolean}} [options] nobody wants what is not dubbed yet
   */
  stop({ discard = false } = {}) {
    if (!this._request || this._stopping) return;
    this._stopping = true;
    this._order({ type: "stop_dubbing", ...(discard ? { discard } : {}) });
  }

  /**
   * What is said in the source, for the run that was started last.
   * @param {import("./subtitles.js").SourceText} text
   * @returns {boolean} false while there is no connection: then tell it anew after `resumed`
   */
  sendText(text) {
    if (!this._request || this._stopping || !this._resumed) return false;
    this._order({ type: "source_text", run: this._run, ...text });
    return true;
  }

  /** @param {Int16Array} pcm at the rate that was named @param {number} mediaS of its first sample */
  sendSound(pcm, mediaS) {
    if (!this._request || this._stopping || this.state === "closed") return;
    const data = encodeSourceFrame({ sequence: this._chunk, mediaTimeUs: mediaS * 1e6, pcm });
    this._kept.add({ data, chunk: this._chunk, number: 0, at: this._now() }, this._now());
    this._chunk += 1;
    const lost = this._kept.leftOut > this._leftOut;
    this._leftOut = this._kept.leftOut;
    if (lost && !this._saidLeftOut) this.emit("leftout", this._leftOut);
    this._saidLeftOut ||= lost; // once for each break
    this._pump();
  }

  /** @param {Record<string, unknown>} message that changes something @returns {number} its number */
  order(message) {
    return this._order(message);
  }

  /** The network is back: do not wait for the next try. */
  hurry() {
    if (this.state !== "reconnecting" || this._socket) return;
    this._attempt = 0;
    clearTimeout(this._timer);
    this._connect();
  }

  /** Leave for good. */
  close() {
    this._finish({ code: "closed", message: "", closeCode: 1000 });
  }

  /** How many frames and messages have not been sent. */
  get waiting() {
    return this._kept.waiting;
  }

  // Connecting ------------------------------------------------------------------------

  async _connect() {
    const generation = ++this._generation;
    let ticket;
    try {
      ticket = await this._ticket();
    } catch (error) {
      if (generation !== this._generation) return;
      const { code, message, final } = ticketFault(error);
      this._reason = { code, message, closeCode: 0 };
      if (final) this._finish(this._reason);
      else this._comeBack(RETRY_MS);
      return;
    }
    if (generation !== this._generation) return;
    const place = `?resume=${this._last}&cue=${this._cue}&samples=${this._samples}`;
    const protocols = ticket ? [SUBPROTOCOL, ticket] : [SUBPROTOCOL];
    const socket = new this._Socket(`${this._address}/ws/${this._name}/${this.session}${place}`, protocols);
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    this._resumed = false;
    this._heardAt = this._now();
    socket.onmessage = ({ data }) => socket === this._socket && this._take(data);
    socket.onclose = ({ code }) => socket === this._socket && this._lost(code);
  }

  /** The socket is gone. @param {number} code */
  _lost(code) {
    this._drop();
    const reason = this._reason;
    this._reason = null;
    if (code === OVERLOAD) this._reason = reason ?? { code: "overloaded", message: "", closeCode: code };
    if (AT_ONCE.has(code)) this._comeBack(RETRY_MS);
    else if (code === OVERLOAD) this._comeBack(LATER_MS);
    else if (code === BUSY && !this._first) this._comeBack(LATER_MS, BUSY_PATIENCE_MS);
    else this._finish(reason ?? { code: `close_${code}`, message: "", closeCode: code });
  }

  /** @param {number[]} pauses @param {number} [patience] */
  _comeBack(pauses, patience = PATIENCE_MS) {
    if (this.state === "open") {
      this._lostAt = this._now();
      this._attempt = 0;
    }
    if (this._now() - this._lostAt > patience) {
      this._finish(this._reason ?? { code: "unreachable", message: "", closeCode: 1006 });
      return;
    }
    this._enter(this._first ? "connecting" : "reconnecting");
    if (this._attempt) this.emit("waiting", this._reason?.code ?? "unreachable");
    const pause = pauses[Math.min(this._attempt, pauses.length - 1)];
    this._attempt += 1;
    this._timer = setTimeout(() => this._connect(), pause * (0.75 + this._random() * 0.5));
  }

  /** A connection that says nothing may be dead without anybody having been told. */
  _look() {
    if (!this._socket) return;
    const quiet = this._now() - this._heardAt;
    const opening = this._socket.readyState === 0 || !this._resumed;
    if (quiet > (opening ? OPEN_TIMEOUT_MS : DEAD_AFTER_MS)) this._lost(1006);
    else if (!opening && quiet > PING_AFTER_MS && !this._pinged) {
      this._pinged = true;
      this._socket.send(JSON.stringify({ type: "ping" }));
    }
    this._pump();
  }

  _drop() {
    const socket = this._socket;
    this._socket = null;
    this._resumed = false;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    // Any code but 1000: the session waits for us.
    if (socket.readyState < 2) socket.close(4000);
  }

  /** @param {{code: string, message: string, closeCode: number}} reason */
  _finish(reason) {
    if (this.state === "closed") return;
    this._generation += 1;
    clearInterval(this._watch);
    clearTimeout(this._timer);
    const socket = this._socket;
    this._socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      if (socket.readyState < 2) socket.close(1000);
    }
    this._kept.clear();
    this._enter("closed");
    this.emit("end", reason);
  }

  // Sending ---------------------------------------------------------------------------

  /** @param {Record<string, unknown>} message */
  _order(message) {
    const number = ++this._number;
    this._kept.add({ data: JSON.stringify({ ...message, number }), chunk: -1, number, at: this._now() }, this._now());
    this._pump();
    return number;
  }

  /** Sends what waits, as long as the socket's own buffer is short: what is in there is late. */
  _pump() {
    const socket = this._socket;
    if (!socket || !this._resumed || socket.readyState !== 1) return;
    while (socket.bufferedAmount < BUFFERED_MAX) {
      const message = this._kept.next();
      if (!message) return;
      socket.send(message.data);
    }
    if (this._pumping) return;
    this._pumping = true;
    setTimeout(() => {
      this._pumping = false;
      this._pump();
    }, 50);
  }

  // Hearing ---------------------------------------------------------------------------

  /** @param {string | ArrayBuffer} data */
  _take(data) {
    this._heardAt = this._now();
    this._pinged = false;
    if (typeof data === "string") this._follow(JSON.parse(data));
    else this._hear(data);
    this._unacknowledged += 1;
    if (this._unacknowledged < ACKNOWLEDGE_EVERY) return;
    this._unacknowledged = 0;
    this._socket?.send(JSON.stringify({ type: "acknowledge", sequence: this._last }));
  }

  /** @param {ArrayBuffer} data */
  _hear(data) {
    let frame;
    try {
      frame = decodeCueFrame(data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.emit("message", { type: "error", code: error.code, message: error.message, sequence: -1 });
      return;
    }
    this._last = frame.sequence;
    this._samples = frame.pcm.length + (frame.cue === this._cue ? this._samples : 0);
    this._cue = frame.cue;
    if (frame.last) {
      this._cue += 1;
      this._samples = 0;
    }
    if (!this._stale.has(frame.cue)) this.emit("sound", frame);
  }

  /** @param {any} message */
  _follow(message) {
    if (message.sequence >= 0) this._last = message.sequence; // the others stand outside the count
    switch (message.type) {
      case "resumed":
        this._resume(message);
        return;
      case "acknowledgement":
        this._kept.acknowledge(message);
        return;
      case "pong":
        return;
      case "closing":
        this._reason = { code: message.code, message: message.message, closeCode: message.close_code };
        return;
      case "ready":
        this._pending = Math.max(0, this._pending - 1);
        this._running = true;
        break;
      case "summary":
        this._running = false;
        if (this._pending) return; // of a run that was replaced
        if (this._stopping) this._request = null;
        break;
      case "error":
        if (this._pending && (!this._running || REFUSED.has(message.code))) this._pending -= 1;
        break;
      case "cue":
        if (this._pending) this._stale.add(message.cue);
        break;
      case "cue_end":
        if (this._stale.delete(message.cue)) return;
        break;
    }
    if (message.type === "cue" && this._stale.has(message.cue)) return;
    if (message.type === "partial_transcript" && this._pending) return;
    this.emit("message", message);
  }

  /** @param {{how: "same" | "moved" | "new", chunk: number, number: number}} message */
  _resume(message) {
    const first = this._first;
    this._first = false;
    this._resumed = true;
    this._attempt = 0;
    this._reason = null;
    if (message.how === "new") {
      this._last = -1;
      this._cue = this._samples = 0;
      this._stale.clear();
      this._running = false;
      if (!first) this._begin();
    } else {
      if (message.how === "moved") {
        this._pending = 0;
        this._running = true;
      }
      this._kept.rewind(message);
    }
    this._saidLeftOut = false;
    this._enter("open");
    this.emit("resumed", first ? "first" : message.how);
    this._pump();
  }

  /** Nothing was kept over there: start again, from the live edge. */
  _begin() {
    this._kept.clear();
    this._pending = 0;
    if (!this._request) return;
    if (this._stopping) {
      this._request = null;
      this.emit("message", { type: "summary", sequence: -1, lost: true });
      return;
    }
    this._pending = 1;
    this._run = this._order({ type: "start_dubbing", ...this._request });
  }

  /** @param {ConnectionState} state */
  _enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }

}

/** @param {string} server @returns {string} where its sockets are, such as `wss://dub.example.org` */
export function socketAddress(server) {
  const url = new URL(server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.origin === "null" ? `${url.protocol}//${url.host}` : url.origin;
}

/** @param {unknown} error */
function ticketFault(error) {
  if (error instanceof TicketError) return error;
  return { code: "unreachable", message: error instanceof Error ? error.message : "", final: false };
}
