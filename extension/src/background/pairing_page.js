// One-click pairing: the portal's own page makes a code and hands it to us by way of a script that
// we put into it, once the person has allowed us to reach their server.

import { api } from "../api.js";
import { permissionFor, serverOrigin } from "../server_address.js";
import { pair } from "./account.js";

const PAGE = "/account/pair-extension";

/** Opens the portal's page for a server that the person has just allowed. @param {string} typed */
export async function openPairingPage(typed) {
  const server = serverOrigin(typed);
  await api.storage.session.set({ pairing: { server, at: Date.now() } });
  const tab = await api.tabs.create({ url: `${server}${PAGE}` });
  return tab.id;
}

/** The script in the portal's page has a code for us. @param {any} message @param {chrome.runtime.MessageSender} sender */
export async function handOver(message, sender) {
  const { pairing } = /** @type {any} */ (await api.storage.session.get("pairing"));
  const origin = sender.url ? new URL(sender.url).origin : "";
  // Only the server that the person asked for may give us an account, and only its pairing page.
  if (!pairing || pairing.server !== origin) return { ok: false, code: "pairing_not_asked" };
  if (!new URL(String(sender.url)).pathname.startsWith(PAGE)) return { ok: false, code: "pairing_not_asked" };
  try {
    await pair(pairing.server, String(message.code));
    await api.storage.session.remove("pairing");
    return { ok: true };
  } catch (error) {
    return { ok: false, code: /** @type {any} */ (error).code ?? "server_failing" };
  }
}

/** Pages of the server that is being paired get the script. @param {number} tabId @param {string | undefined} url */
export async function greet(tabId, url) {
  const { pairing } = /** @type {any} */ (await api.storage.session.get("pairing"));
  if (!pairing) return;
  if (url && !url.startsWith(`${pairing.server}${PAGE}`)) return;
  if (!(await api.permissions.contains({ origins: [permissionFor(pairing.server)] }))) return;
  await api.scripting.executeScript({ target: { tabId }, files: ["src/content/pairing.js"] }).catch(() => {});
}
