// A file goes to the server in pieces: what has come stays, and after an interruption, or a page
// that was closed, it goes on there.

import { Refusal } from "./api.js";

const KEPT = "uploads";
const KEPT_MAX = 10;
const TRIES_MAX = 6;
const PAUSE_MS = 1000;
const PIECE_FIRST = 1024 ** 2;
const PIECE_LEAST = 64 * 1024;
/** A piece shall take no longer: one that the connection is too slow for never comes through. */
const PIECE_TAKES_MS = 10_000;

export class Upload {
  /** @param {import("./api.js").Api} api @param {File} file @param {(share: number) => void} onProgress 0 to 1 */
  constructor(api, file, onProgress) {
    this._api = api;
    this._file = file;
    this._onProgress = onProgress;
    this._stop = new AbortController();
    this._pieceBytes = PIECE_FIRST;
  }

  /** Stops where it is; the same file goes on there later. */
  pause() {
    this._stop.abort();
  }

  /** @returns {Promise<string>} the id of the complete upload; raises Refusal, or AbortError after `pause` */
  async send() {
    let upload = (await this._begun()) ?? (await this._begin());
    while (upload.offset < upload.size_bytes) {
      this._onProgress(upload.offset / upload.size_bytes);
      upload = await this._sendPiece(upload);
    }
    this._onProgress(1);
    return upload.id;
  }

  /** What nobody needs any more: a project was made of it. */
  forget() {
    keep(this._mark(), null);
  }

  async _begin() {
    const wish = { name: this._file.name.slice(0, 255) || "upload", size_bytes: this._file.size };
    const upload = await this._api.create("/api/uploads", wish);
    keep(this._mark(), upload.id);
    return upload;
  }

  /** The upload of the same file that was interrupted, where there is one. */
  async _begun() {
    const id = kept()[this._mark()];
    if (!id) return null;
    // Asked for in the list: that one is gone is no fault, and needs no line in the console.
    const uploads = await this._api.all("/api/uploads");
    return uploads.find((one) => one.id === id && one.size_bytes === this._file.size) ?? null;
  }

  /** @param {any} upload */
  async _sendPiece(upload) {
    const address = `/api/uploads/${upload.id}`;
    for (let tries = 1; ; tries++) {
      const bytes = this._file.slice(upload.offset, upload.offset + Math.min(this._pieceBytes, upload.piece_max_bytes));
      const began = performance.now();
      try {
        const headers = { "Content-Type": "application/octet-stream", "Upload-Offset": String(upload.offset) };
        const { body } = await this._api.ask("PATCH", address, { bytes, headers, signal: this._stop.signal });
        this._pieceBytes = Math.max(PIECE_LEAST, Math.floor((bytes.size * PIECE_TAKES_MS) / Math.max(1, performance.now() - began)));
        return body;
      } catch (error) {
        const passing = error instanceof Refusal && (error.status === 0 || error.status === 429 || error.status >= 500);
        const elsewhere = error instanceof Refusal && error.code === "upload_offset_wrong";
        if ((!passing && !elsewhere) || tries >= TRIES_MAX) throw error;
        if (error.status === 0) this._pieceBytes = Math.max(PIECE_LEAST, bytes.size >> 2);
        if (passing) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** (tries - 1)));
        // The piece may have come although its answer did not.
        const now = await this._api.get(address).catch(() => null);
        if (now && now.offset !== upload.offset) return now;
      }
    }
  }

  /** Which file it is, as far as a page may know. */
  _mark() {
    return `${this._file.name}|${this._file.size}|${this._file.lastModified}`;
  }
}

/** @returns {Record<string, string>} file → id of its upload */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** @param {string} mark @param {string | null} id */
function keep(mark, id) {
  const others = Object.entries(kept()).filter(([name]) => name !== mark);
  if (id) others.push([mark, id]);
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(others.slice(-KEPT_MAX))));
  } catch {
    // Forbidden or full: an interruption then begins anew.
  }
}
