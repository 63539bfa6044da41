// Sessions by tab, and the ports of whoever looks at them: popup, side panel, captions in the page,
// the page's own watcher. It lives where the sockets live: in Chrome the offscreen document, in
// Firefox the background page.

import { api } from "./api.js";

const LINES_SHOWN = 60;
const VIEW_MS = 100;

/**
 * @typedef {import("../shared/session.js").View} View
 *
 * @typedef {object} Handlers
 * @property {(tabId: number, order: any) => void} order of a popup, panel or caption overlay
 * @property {(tabId: number, message: any) => void} media what the page's watcher saw
 * @property {(tabId: number) => void} gone the tab's page went away
 */

export class Hub {
  /** @param {Handlers} handlers */
  constructor(handlers) {
    /** @type {Map<number, Set<chrome.runtime.Port>>} */
    this._viewers = new Map();
    /** @type {Map<number, {view: any, lines: any[], partial: string}>} */
    this._shown = new Map();
    /** @type {Map<number, ReturnType<typeof setTimeout>>} */
    this._timers = new Map();
    this._handlers = handlers;
    api.runtime.onConnect.addListener((port) => this._meet(port));
  }

  /** @param {chrome.runtime.Port} port */
  _meet(port) {
    if (port.sender?.id !== api.runtime.id) return;
    const [kind, asked] = port.name.split(":");
    const ours = port.sender.url?.startsWith(api.runtime.getURL("")) ?? false;
    // A page's script speaks for its own tab only.
    const tabId = ours && kind === "ui" ? Number(asked) : port.sender.tab?.id;
    if (tabId === undefined || Number.isNaN(tabId) || ours !== (kind === "ui")) return;
    if (kind === "watch") {
      port.onMessage.addListener((message) => this._handlers.media(tabId, message));
      const top = port.sender.frameId === 0;
      port.onDisconnect.addListener(() => top && this._handlers.gone(tabId));
    } else if (kind === "ui" || kind === "overlay") {
      const viewers = this._viewers.get(tabId) ?? new Set();
      this._viewers.set(tabId, viewers.add(port));
      port.onDisconnect.addListener(() => viewers.delete(port));
      port.onMessage.addListener((order) => this._handlers.order(tabId, order));
      const shown = this._shown.get(tabId);
      port.postMessage(shown ? { type: "all", ...shown } : { type: "none" });
    }
  }

  /** Shows a session to whoever looks, at most ten times a second. @param {number} tabId @param {View} view @param {any[]} lines @param {string} partial */
  show(tabId, view, lines, partial) {
    this._shown.set(tabId, { view, lines: lines.slice(-LINES_SHOWN), partial });
    if (this._timers.has(tabId)) return;
    const timer = setTimeout(() => {
      this._timers.delete(tabId);
      const shown = this._shown.get(tabId);
      if (shown) this._post(tabId, { type: "all", ...shown });
    }, VIEW_MS);
    this._timers.set(tabId, timer);
  }

  /** @param {number} tabId @param {{code: string, message: string}} notice */
  notice(tabId, notice) {
    this._post(tabId, { type: "notice", ...notice });
  }

  /** @param {number} tabId */
  drop(tabId) {
    clearTimeout(this._timers.get(tabId));
    this._timers.delete(tabId);
    this._shown.delete(tabId);
    this._post(tabId, { type: "none" });
  }

  /** @param {number} tabId @param {unknown} message */
  _post(tabId, message) {
    for (const port of this._viewers.get(tabId) ?? []) {
      try {
        port.postMessage(message);
      } catch {
        this._viewers.get(tabId)?.delete(port);
      }
    }
  }
}
