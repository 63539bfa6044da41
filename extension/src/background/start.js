// Starting and stopping one tab's dub, and what is in the way of it.

import { CAPTURES_TABS, api, say } from "../api.js";
import { readSettings, ruleFor } from "../settings.js";
import { mayReach, readAccount } from "./account.js";
import { inspect } from "./protection.js";
import { requestFor } from "./request.js";
import { activeTabs, setTabState, tabState } from "./tabs.js";

/** @typedef {import("./tabs.js").TabState} TabState */

/** What keeps a tab from being dubbed; `code` is a key of the translations. */
class Trouble extends Error {
  /** @param {string} code @param {Partial<TabState>} [more] */
  constructor(code, more = {}) {
    super(code);
    this.code = code;
    this.more = more;
  }
}

/** @param {number} tabId @returns {Promise<TabState>} how it went */
export async function start(tabId) {
  const before = await tabState(tabId);
  if (before.status === "on" || before.status === "starting") return before;
  await setTabState(tabId, { status: "starting" });
  try {
    await begin(tabId);
  } catch (error) {
    const trouble = error instanceof Trouble ? error : new Trouble("start_failed", { message: String(error) });
    await setTabState(tabId, { status: "trouble", code: trouble.code, ...trouble.more });
  }
  return tabState(tabId);
}

/** @param {number} tabId */
async function begin(tabId) {
  const [settings, account] = [await readSettings(), await readAccount()];
  if (!account) throw new Trouble("not_paired");
  if (!(await mayReach(account.server))) throw new Trouble("server_permission", { origins: [account.server] });
  const inspection = await inspect(tabId).catch(() => null);
  if (!inspection?.reachable) throw new Trouble("page_not_allowed");
  const tab = await api.tabs.get(tabId);
  const host = tab.url ? new URL(tab.url).hostname : "";
  if (host && ruleFor(host, settings) === "never") throw new Trouble("site_never");
  refuseProtected(inspection);
  const { request, subtitles } = requestFor(settings, inspection.tracks);
  const order = { server: account.server, request, settings };
  const goesOn = await (CAPTURES_TABS ? capture(tabId, order) : captureInPage(tabId, order));
  if (!goesOn) return; // it has ended already, and has said why
  await api.tabs.sendMessage(tabId, { type: "dubbing", on: true, subtitles });
  if (settings.overlay) await showOverlay(tabId, true);
}

/** @param {import("./protection.js").Inspection} inspection */
function refuseProtected(inspection) {
  if (inspection.protected) throw new Trouble("protected");
  if (inspection.unknown.length) throw new Trouble("frame_unknown", { origins: inspection.unknown });
}

/** @param {number} tabId @param {Record<string, unknown>} order @returns {Promise<boolean>} does it go on? */
async function capture(tabId, order) {
  let streamId;
  await ensureOffscreen();
  try {
    streamId = await api.tabCapture.getMediaStreamId({ targetTabId: tabId });
  } catch (error) {
    const reason = String(error);
    if (/active stream/i.test(reason)) throw new Trouble("capture_busy");
    if (/not been invoked/i.test(reason)) throw new Trouble("needs_click");
    if (/cannot be captured/i.test(reason)) throw new Trouble("page_not_allowed");
    throw error;
  }
  // The id counts once and for a few seconds only: it is used at once.
  const answer = await say({ to: "offscreen", type: "start", tabId, streamId, ...order });
  if (answer?.ok) return Boolean(answer.goesOn);
  if (/active stream|starting tab capture/i.test(String(answer?.error))) throw new Trouble("capture_busy");
  throw new Error(answer?.error ?? "The sound of the tab could not be captured.");
}

/** Firefox: the page's own player is heard, in the page. @param {number} tabId @param {Record<string, unknown>} order */
async function captureInPage(tabId, order) {
  const answer = await here().start({ tabId, ...order });
  if (answer?.ok) return true;
  const known = ["no_media", "media_locked", "protected"].find((code) => String(answer?.error).includes(code));
  throw known ? new Trouble(known) : new Error(answer?.error ?? "The player could not be heard.");
}

/** What Firefox's background page does itself. @returns {any} */
function here() {
  return /** @type {any} */ (globalThis).dubHub;
}

/** To where the sessions run. @param {any} message @returns {Promise<any>} */
export async function tellSessions(message) {
  return CAPTURES_TABS ? say({ to: "offscreen", ...message }) : here()[message.type](message);
}

/** @type {Promise<void> | null} */
let making = null;
/** @type {Promise<void> | null} */
let closing = null;

async function ensureOffscreen() {
  // A document on its way out still answers, and then takes with it what was begun.
  await closing;
  if (await api.offscreen.hasDocument()) return;
  making ??= api.offscreen
    .createDocument({
      url: "src/offscreen/offscreen.html",
      reasons: /** @type {any} */ (["USER_MEDIA", "AUDIO_PLAYBACK"]),
      justification: "Captures the tab's sound that the person wants dubbed, and plays the dub.",
    })
    .finally(() => {
      making = null;
    });
  await making;
}

/** @param {number} tabId @param {boolean} [now] without the last clauses @param {{code: string, message: string} | null} [trouble] */
export async function stop(tabId, now = false, trouble = null) {
  const answer = await tellSessions({ type: "stop", tabId, now, trouble });
  // Nobody is there to say that it has ended.
  if (!answer) await ended(tabId, trouble);
}

/** @param {number} tabId @param {{code: string, message: string} | null} trouble */
export async function ended(tabId, trouble) {
  const silent = !trouble || trouble.code === "navigated" || trouble.code === "tab_closed";
  await setTabState(tabId, silent ? { status: "off" } : { status: "trouble", ...(await reasonOf(trouble)) });
  await api.tabs.sendMessage(tabId, { type: "dubbing", on: false }).catch(() => {});
  await showOverlay(tabId, false).catch(() => {});
  if (!CAPTURES_TABS) return;
  closing = closeIdle().finally(() => {
    closing = null;
  });
  await closing;
}

/**
 * A named language that nothing recognises is refused only where no subtitles came with it: that
 * is what the person can do something about.
 * @param {{code: string, message: string}} trouble @returns {Promise<{code: string, message: string}>}
 *   with the language's code as the message, where subtitles are the reason
 */
async function reasonOf({ code, message }) {
  const { sourceLanguage, subtitles } = await readSettings();
  if (code !== "source_language_unsupported" || sourceLanguage === "auto") return { code, message };
  return { code: subtitles ? "subtitles_missing" : "subtitles_off", message: sourceLanguage };
}

/** Nothing is captured any more: the document that could capture goes as well. */
async function closeIdle() {
  if ((await activeTabs()).length) return;
  const left = await say({ to: "offscreen", type: "tabs" });
  if (left && !left.length) await api.offscreen.closeDocument().catch(() => {});
}

/** Something changed in a tab that is dubbed: is it still allowed? @param {number} tabId */
export async function lookAgain(tabId) {
  if (!(await activeTabs()).includes(tabId)) return;
  const inspection = await inspect(tabId).catch(() => null);
  if (!inspection) return;
  try {
    refuseProtected(inspection);
  } catch (error) {
    const { code, more } = /** @type {Trouble} */ (error);
    await stop(tabId, true, { code, message: "" });
    await setTabState(tabId, { status: "trouble", code, ...more });
    return;
  }
  const { request, subtitles } = requestFor(await readSettings(), inspection.tracks);
  // Frames that came later have to be told, too.
  await api.tabs.sendMessage(tabId, { type: "dubbing", on: true, subtitles }).catch(() => {});
  if (subtitles) await tellSessions({ type: "order", tabId, order: { type: "text", request } });
}

/** The person wants something else of a tab that is dubbed. @param {number} tabId */
export async function askAnew(tabId) {
  if (!(await activeTabs()).includes(tabId)) return;
  const inspection = await inspect(tabId).catch(() => null);
  const { request, subtitles } = requestFor(await readSettings(), inspection?.tracks ?? []);
  await api.tabs.sendMessage(tabId, { type: "dubbing", on: true, subtitles }).catch(() => {});
  await tellSessions({ type: "order", tabId, order: { type: "request", request } });
}

/** @param {number} tabId @param {boolean} on */
export async function showOverlay(tabId, on) {
  if (on) await api.scripting.executeScript({ target: { tabId }, files: ["src/content/overlay.js"] });
  await api.tabs.sendMessage(tabId, { type: "overlay", on });
}
