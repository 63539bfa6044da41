// The browser's extension interface under its standard name: `browser` where there is one.

/** @type {typeof chrome} */
export const api = /** @type {any} */ (globalThis).browser ?? chrome;

/** Has this browser tab capture and offscreen documents, as Chrome has? */
export const CAPTURES_TABS = Boolean(api.tabCapture);

/** @param {string} key @param {string | string[]} [values] @returns {string} in the browser's language */
export function text(key, values) {
  return api.i18n.getMessage(key, values) || key;
}

/**
 * Says something to the other parts of the extension. Nobody there is no error: a popup that is
 * closed hears nothing.
 * @param {Record<string, unknown>} message @returns {Promise<any>}
 */
export async function say(message) {
  try {
    return await api.runtime.sendMessage(message);
  } catch (error) {
    if (/Receiving end does not exist|message port closed/i.test(String(error))) return undefined;
    throw error;
  }
}
