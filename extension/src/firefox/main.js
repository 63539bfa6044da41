// Firefox's background page: what Chrome's service worker does, and the sockets as well. The sound
// is captured and mixed in the page, by `content/inpage.js`, for Firefox captures no tabs.

import "../background/main.js";
import { Connection, TicketError } from "../../shared/connection.js";
import { api } from "../api.js";
import { AccountError, ticket as freshTicket } from "../background/account.js";
import { ended, lookAgain } from "../background/start.js";
import { setTabState } from "../background/tabs.js";
import { Hub } from "../hub.js";

const ANSWER_MS = 8000;
const STATUS = /** @type {Record<string, any>} */ ({
  connecting: "starting",
  starting: "starting",
  dubbing: "on",
  paused: "on",
  stopping: "on",
  reconnecting: "waiting",
});

/** @typedef {{port: chrome.runtime.Port, link: Connection}} Running */
/** @type {Map<number, Running>} */
const running = new Map();

const hub = new Hub({
  order: (tabId, order) => running.get(tabId)?.port.postMessage({ type: "order", order }),
  media: (tabId, message) => {
    if (message.type === "media" || message.type === "subtitles") running.get(tabId)?.port.postMessage(message);
    if (message.type === "report") lookAgain(tabId);
  },
  gone: (tabId) => finish(tabId, { code: "navigated", message: "" }),
});

async function ticket() {
  try {
    return await freshTicket();
  } catch (error) {
    if (error instanceof AccountError) throw new TicketError(error.code, error.message, { final: error.final });
    throw error;
  }
}

/** Orders of `background/start.js`, which runs in this very page. */
/** @type {any} */ (globalThis).dubHub = {
  /** @param {any} message */
  async start({ tabId, server, request, settings }) {
    await finish(tabId, null);
    await api.scripting.executeScript({ target: { tabId }, files: ["src/content/inpage.js"] });
    const port = await new Promise((resolve, reject) => {
      waiting.set(tabId, resolve);
      setTimeout(() => waiting.delete(tabId) && reject(new Error("The page does not answer.")), ANSWER_MS);
      api.tabs.sendMessage(tabId, { type: "inpage-connect" }).catch(reject);
    });
    const link = new Connection({ server, ticket, name: `tab-${tabId}` });
    running.set(tabId, { port, link });
    join(tabId, port, link);
    return new Promise((resolve) => {
      began.set(tabId, resolve);
      port.postMessage({ type: "start", request, settings });
    });
  },
  /** @param {any} message */
  async stop({ tabId, now, trouble }) {
    const entry = running.get(tabId);
    if (!entry) return null;
    entry.port.postMessage({ type: "stop", now: Boolean(now), trouble });
    return { ok: true };
  },
  /** @param {any} message */
  async order({ tabId, order }) {
    running.get(tabId)?.port.postMessage({ type: "order", order });
    return { ok: true };
  },
};

/** @type {Map<number, (port: chrome.runtime.Port) => void>} */
const waiting = new Map();
/** @type {Map<number, (answer: any) => void>} */
const began = new Map();

api.runtime.onConnect.addListener((port) => {
  const tabId = port.sender?.tab?.id;
  if (port.name !== "inpage" || port.sender?.id !== api.runtime.id || tabId === undefined) return;
  waiting.get(tabId)?.(port);
  waiting.delete(tabId);
});

/** Ties the page's port to the socket: what one says the other hears. @param {number} tabId @param {chrome.runtime.Port} port @param {Connection} link */
function join(tabId, port, link) {
  const mine = () => running.get(tabId)?.link === link;
  for (const type of ["message", "sound", "state", "resumed", "waiting", "leftout", "end"])
    link.addEventListener(type, ({ detail }) => mine() && post(port, { type: "link", event: type, detail, state: link.state }));
  port.onMessage.addListener((message) => {
    switch (message.type) {
      case "sound":
        link.sendSound(message.pcm, message.mediaS);
        return;
      case "link":
        if (message.call === "start") link.start(message.argument);
        if (message.call === "stop") link.stop(message.argument ?? {});
        if (message.call === "sendText") link.sendText(message.argument);
        if (message.call === "open") link.open();
        if (message.call === "close") link.close();
        return;
      case "began":
        began.get(tabId)?.(message);
        began.delete(tabId);
        return;
      case "show":
        hub.show(tabId, message.view, message.lines, message.partial);
        return;
      case "status":
        setTabState(tabId, { status: STATUS[message.status] });
        return;
      case "notice":
        hub.notice(tabId, message.notice);
        return;
      case "ended":
        finish(tabId, message.trouble);
        return;
    }
  });
  port.onDisconnect.addListener(() => mine() && finish(tabId, { code: "navigated", message: "" }));
}

/** @param {chrome.runtime.Port} port @param {unknown} message */
function post(port, message) {
  try {
    port.postMessage(message);
  } catch {
    // The page is gone; its port says so as well.
  }
}

/** @param {number} tabId @param {{code: string, message: string} | null} trouble */
async function finish(tabId, trouble) {
  const entry = running.get(tabId);
  if (!entry) return;
  running.delete(tabId);
  entry.link.close();
  entry.port.disconnect();
  hub.drop(tabId);
  await ended(tabId, trouble);
}
