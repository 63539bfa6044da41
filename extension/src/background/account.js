// The person's account on their server: paired once, then a ticket for each socket.

import { api } from "../api.js";
import { changeSettings } from "../settings.js";
import { permissionFor, serverOrigin } from "../server_address.js";

const TIMEOUT_MS = 10_000;

/** @typedef {{server: string, token: string, name: string, pairedAt: number}} Account */

/** What this browser is called in the person's list of paired ones. */
export function clientName() {
  const system = /(Windows|Macintosh|Android|CrOS|Linux)/.exec(navigator.userAgent)?.[1] ?? "";
  const browser = /(Firefox|Edg|OPR|Chrome)/.exec(navigator.userAgent)?.[1] ?? "Browser";
  const names = { Edg: "Edge", OPR: "Opera", Macintosh: "macOS", CrOS: "ChromeOS" };
  const plain = (/** @type {string} */ name) => names[/** @type {keyof typeof names} */ (name)] ?? name;
  return system ? `${plain(browser)} on ${plain(system)}` : plain(browser);
}

/** A request that came to nothing; `code` is a key of the translations. */
export class AccountError extends Error {
  /** @param {string} code @param {boolean} final @param {string} [message] of the server */
  constructor(code, final, message = "") {
    super(message || code);
    this.code = code;
    this.final = final;
  }
}

/** @returns {Promise<Account | null>} */
export async function readAccount() {
  const { account } = /** @type {{account?: Account}} */ (await api.storage.local.get("account"));
  return account?.token && account?.server ? account : null;
}

/**
 * Exchanges a code for a token. @param {string} typedServer @param {string} code
 * @returns {Promise<Account>} @throws {AccountError}
 */
export async function pair(typedServer, code) {
  const server = serverOrigin(typedServer);
  if (!code.trim()) throw new AccountError("pairing_code_missing", true);
  const name = clientName();
  const { status, body } = await post(`${server}/api/pairing/exchange`, { code: code.trim(), name });
  if (status === 429) throw new AccountError("pairing_too_often", false);
  if (status === 404 && !body) throw new AccountError("server_wrong", true);
  if (status >= 500) throw new AccountError("server_failing", false);
  if (status === 409) throw new AccountError("token_limit", true, body?.detail);
  if (status >= 400) throw new AccountError(body ? "pairing_code_wrong" : "server_wrong", true, body?.detail);
  if (typeof body?.token !== "string") throw new AccountError("server_wrong", true);
  const account = { server, token: body.token, name: String(body.account ?? name), pairedAt: Date.now() };
  await api.storage.local.set({ account });
  await changeSettings({ server });
  return account;
}

export async function unpair() {
  await api.storage.local.remove("account");
}

/** A subprotocol that opens one socket. @returns {Promise<string>} @throws {AccountError} */
export async function ticket() {
  const account = await readAccount();
  if (!account) throw new AccountError("not_paired", true);
  const { status, body } = await post(`${account.server}/api/ticket`, {}, account.token);
  if (status === 401 || status === 403) throw new AccountError("token_refused", true);
  if (status === 404) throw new AccountError("server_wrong", true);
  if (status >= 400) throw new AccountError("server_failing", false);
  if (typeof body?.subprotocol !== "string") throw new AccountError("server_wrong", true);
  return body.subprotocol;
}

/** @param {string} path below the server @returns {Promise<any>} @throws {AccountError} */
export async function read(path) {
  const account = await readAccount();
  if (!account) throw new AccountError("not_paired", true);
  const { status, body } = await request(`${account.server}${path}`, {
    headers: { Authorization: `Bearer ${account.token}` },
  });
  if (status === 401 || status === 403) throw new AccountError("token_refused", true);
  if (status >= 400) throw new AccountError("server_failing", false);
  return body;
}

/** Has the person allowed us to talk to their server? @param {string} server */
export async function mayReach(server) {
  return api.permissions.contains({ origins: [permissionFor(server)] });
}

/** @param {string} address @param {unknown} body @param {string} [token] */
function post(address, body, token) {
  return request(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
}

/** @param {string} address @param {RequestInit} options @returns {Promise<{status: number, body: any}>} */
async function request(address, options) {
  let response;
  try {
    // Without cookies: the token alone says who asks, so no page can make us ask for it.
    response = await fetch(address, {
      ...options,
      credentials: "omit",
      redirect: "error",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new AccountError("unreachable", false);
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    // Not ours, or an error page: the status says enough.
  }
  return { status: response.status, body };
}
