// Which addresses a server may have: https, or plain http on this very machine.

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * @param {string} typed by a person @returns {string} its origin
 * @throws {Error} whose message is a key of the translations
 */
export function serverOrigin(typed) {
  const trimmed = typed.trim();
  if (!trimmed) throw new Error("server_missing");
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `${isLoopback(trimmed) ? "http" : "https"}://${trimmed}`;
  let url;
  try {
    url = new URL(withScheme);
  } catch {
    throw new Error("server_malformed");
  }
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname)) throw new Error("server_insecure");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new Error("server_malformed");
  if (url.username || url.password) throw new Error("server_malformed");
  return url.origin;
}

/** @param {string} typed without a scheme */
function isLoopback(typed) {
  return LOOPBACK.test(typed.split("/")[0].replace(/:\d+$/, ""));
}

/** Pattern of the permission for a server. @param {string} origin */
export function permissionFor(origin) {
  const url = new URL(origin);
  return `${url.protocol}//${url.hostname}/*`; // patterns of permissions have no ports
}
