// What is known of each tab, in storage.session: the service worker may be gone at any moment.
// Changes are made one after another, so that two at once do not undo each other.

import { api, text } from "../api.js";

/**
 * @typedef {object} TabState
 * @property {"off" | "starting" | "on" | "waiting" | "trouble"} status
 * @property {string} [code] of the trouble, a key of the translations
 * @property {string} [message] of the server, where it says more
 * @property {string[]} [origins] whose frames could not be looked into
 */

/** @type {Promise<unknown>} */
let turn = Promise.resolve();

/** @returns {Promise<Record<string, TabState>>} */
async function all() {
  const { tabs } = await api.storage.session.get("tabs");
  return /** @type {Record<string, TabState>} */ (tabs ?? {});
}

/** @param {number} tabId @returns {Promise<TabState>} */
export async function tabState(tabId) {
  return (await all())[tabId] ?? { status: "off" };
}

/** @returns {Promise<number[]>} tabs that are dubbed, or about to be */
export async function activeTabs() {
  return Object.entries(await all())
    .filter(([, { status }]) => status !== "off" && status !== "trouble")
    .map(([id]) => Number(id));
}

/** @param {number} tabId @param {TabState} state */
export function setTabState(tabId, state) {
  turn = turn.then(async () => {
    const tabs = await all();
    if (state.status === "off") delete tabs[tabId];
    else tabs[tabId] = state;
    await api.storage.session.set({ tabs });
    await showBadge(tabId, state);
  });
  return turn;
}

/** @param {number} tabId */
export function forgetTab(tabId) {
  turn = turn.then(async () => {
    const tabs = await all();
    delete tabs[tabId];
    await api.storage.session.set({ tabs });
  });
  return turn;
}

const BADGES = {
  off: { text: "", colour: "#64748b" },
  starting: { text: "…", colour: "#64748b" },
  on: { text: "●", colour: "#b91c1c" },
  waiting: { text: "…", colour: "#b45309" },
  trouble: { text: "!", colour: "#b45309" },
};

/** @param {number} tabId @param {TabState} state */
async function showBadge(tabId, state) {
  const badge = BADGES[state.status];
  try {
    await api.action.setBadgeText({ tabId, text: badge.text });
    await api.action.setBadgeBackgroundColor({ tabId, color: badge.colour });
    await api.action.setTitle({ tabId, title: text(`badge_${state.status}`) });
  } catch {
    // The tab is gone.
  }
}
