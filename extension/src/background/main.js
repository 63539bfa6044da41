// The service worker of Chrome, the event page of Firefox. Holds no state: what it knows is in
// storage, what runs is elsewhere. Every listener is added at once, as the browser wants.

import { CAPTURES_TABS, api, say } from "../api.js";
import { changeSettings, migrated } from "../settings.js";
import { AccountError, pair, read, readAccount, ticket, unpair } from "./account.js";
import { greet, handOver, openPairingPage } from "./pairing_page.js";
import { askAnew, ended, lookAgain, showOverlay, start, stop, tellSessions } from "./start.js";
import { activeTabs, forgetTab, setTabState, tabState } from "./tabs.js";

const STATUS = /** @type {const} */ ({
  connecting: "starting",
  starting: "starting",
  dubbing: "on",
  paused: "on",
  stopping: "on",
  reconnecting: "waiting",
});

/** @type {Record<string, (message: any) => Promise<any>>} */
const ORDERS = {
  start: ({ tabId }) => start(tabId),
  stop: ({ tabId, now }) => stop(tabId, now),
  state: async ({ tabId }) => ({ ...(await tabState(tabId)), account: shown(await readAccount()) }),
  clear: ({ tabId }) => setTabState(tabId, { status: "off" }),
  request: ({ tabId }) => askAnew(tabId),
  overlay: ({ tabId, on }) => showOverlay(tabId, on),
  pair: async ({ server, code }) => ({ account: shown(await pair(server, code)) }),
  "pair-page": ({ server }) => openPairingPage(server),
  unpair: () => unpair(),
  read: ({ path }) => read(path),
};

/** Orders of the extension's own documents only, not of the scripts in pages. */
/** @type {Record<string, (message: any) => Promise<any>>} */
const REPORTS = {
  ticket: async () => ({ ticket: await ticket() }),
  status: async ({ tabId, status, trouble }) => {
    if (status === "ended") await ended(tabId, trouble ?? null);
    else await setTabState(tabId, { status: STATUS[/** @type {keyof typeof STATUS} */ (status)] });
  },
  report: ({ tabId }) => lookAgain(tabId),
};

api.runtime.onMessage.addListener((message, sender, answer) => {
  if (message?.to !== "background" || sender.id !== api.runtime.id) return false;
  if (!sender.url?.startsWith(api.runtime.getURL(""))) {
    if (message.type === "pairing-code") handOver(message, sender).then(answer);
    return message.type === "pairing-code";
  }
  const act = ORDERS[message.type] ?? REPORTS[message.type];
  if (!act) return false;
  act(message).then(
    (result) => answer(result ?? {}),
    (error) => answer(fault(error)),
  );
  return true;
});

/** @param {unknown} error */
function fault(error) {
  if (error instanceof AccountError) return { code: error.code, final: error.final, message: error.message };
  return { code: error instanceof Error ? error.message : String(error), final: true };
}

/** @param {import("./account.js").Account | null} account without its token */
function shown(account) {
  return account && { server: account.server, name: account.name };
}

// The privacy of a tab: what was asked for one page is not done to the next.
api.tabs.onRemoved.addListener(async (tabId) => {
  if ((await activeTabs()).includes(tabId)) await stop(tabId, true);
  await forgetTab(tabId);
});

api.tabs.onUpdated.addListener(async (tabId, change) => {
  if (change.status === "complete") await greet(tabId);
  if (change.status !== "loading") return;
  const state = await tabState(tabId);
  if (state.status === "off") return;
  // The page's watcher lives as long as its document; here are those that cannot tell.
  const alive = await api.tabs.sendMessage(tabId, { type: "alive" }).then(Boolean, () => false);
  if (alive) return;
  if (state.status === "trouble") await setTabState(tabId, { status: "off" });
  else await stop(tabId, true, { code: "navigated", message: "" });
});

api.commands.onCommand.addListener(async (command, tab) => {
  const tabId = tab?.id ?? (await api.tabs.query({ active: true, lastFocusedWindow: true }))[0]?.id;
  if (tabId === undefined) return;
  const on = (await activeTabs()).includes(tabId);
  if (command === "toggle") await (on ? stop(tabId) : start(tabId));
  const orders = {
    "original-only": { type: "bypass" },
    "dub-louder": { type: "louder", by: 0.1 },
    "dub-softer": { type: "louder", by: -0.1 },
  };
  const order = orders[/** @type {keyof typeof orders} */ (command)];
  if (order && on) await tellSessions({ type: "order", tabId, order });
});

api.runtime.onInstalled.addListener(async ({ reason }) => {
  const { settings } = await api.storage.local.get("settings");
  await changeSettings(migrated(settings));
  if (reason === "install" && !(await readAccount())) await api.runtime.openOptionsPage();
});

// A worker that was stopped and began again: what it believes is on may be over.
(async () => {
  if (!CAPTURES_TABS) return;
  const believed = await activeTabs();
  if (!believed.length) return;
  const running = new Map(/** @type {[number, string][]} */ ((await say({ to: "offscreen", type: "tabs" })) ?? []));
  for (const tabId of believed) {
    const { status } = await tabState(tabId);
    if (!running.has(tabId) && status !== "starting") await ended(tabId, null);
  }
})();
