// One-click pairing: the portal's own page makes a code when the person agrees, and hands it to us
// by way of a script that we put into it, once the person has let us reach their server.

import { api } from "../api.js";
import { permissionFor, serverOrigin } from "../server_address.js";
import { clientName, pair } from "./account.js";

const PAGE = "/account/pair-extension";
const LASTS_MS = 15 * 60_000;

/** @returns {Promise<{server: string, state: string, tabId: number, at: number} | null>} */
async function asked() {
  const { pairing } = /** @type {any} */ (await api.storage.session.get("pairing"));
  return pairing && Date.now() - pairing.at < LASTS_MS ? pairing : null;
}

/** Opens the portal's page of a server that the person has just allowed. @param {string} typed */
export async function openPairingPage(typed) {
  const server = serverOrigin(typed);
  // Only the page that we opened knows this, so no other can give us somebody else's account.
  const state = [...crypto.getRandomValues(new Uint8Array(24))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const tab = await api.tabs.create({ url: "about:blank" });
  await api.storage.session.set({ pairing: { server, state, tabId: tab.id, at: Date.now() } });
  const query = new URLSearchParams({ name: clientName(), state });
  await api.tabs.update(/** @type {number} */ (tab.id), { url: `${server}${PAGE}?${query}` });
}

/** The script in the portal's page has a code for us. @param {any} message @param {chrome.runtime.MessageSender} sender */
export async function handOver(message, sender) {
  const pairing = await asked();
  const url = sender.url ? new URL(sender.url) : null;
  const fits = pairing && url?.origin === pairing.server && url.pathname === PAGE && message.state === pairing.state;
  if (!fits || sender.frameId !== 0) return { ok: false, code: "pairing_not_asked" };
  try {
    await pair(pairing.server, String(message.code));
    await api.storage.session.remove("pairing");
    return { ok: true };
  } catch (error) {
    const fault = /** @type {any} */ (error);
    return { ok: false, code: fault.code ?? "server_failing", message: fault.message };
  }
}

/** A page has loaded: if it is the one that pairs us, it gets our script. @param {number} tabId */
export async function greet(tabId) {
  const pairing = await asked();
  if (!pairing || pairing.tabId !== tabId) return;
  if (!(await api.permissions.contains({ origins: [permissionFor(pairing.server)] }))) return;
  await api.scripting.executeScript({ target: { tabId }, files: ["src/content/pairing.js"] }).catch(() => {});
}
