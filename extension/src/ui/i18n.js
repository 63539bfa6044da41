// Puts the browser's language into a page.

import { api, text } from "../api.js";

export function translate() {
  document.documentElement.lang = api.i18n.getUILanguage();
  for (const element of document.querySelectorAll("[data-i18n]"))
    element.textContent = text(/** @type {HTMLElement} */ (element).dataset.i18n ?? "");
  for (const element of document.querySelectorAll("[data-i18n-label]"))
    element.setAttribute("aria-label", text(/** @type {HTMLElement} */ (element).dataset.i18nLabel ?? ""));
}

/** @param {string} code of a language @returns {string} its name for people */
export function languageName(code) {
  if (!code || code === "auto") return text("language_auto");
  try {
    const name = new Intl.DisplayNames([api.i18n.getUILanguage()], { type: "language" }).of(code) ?? code;
    return name.charAt(0).toLocaleUpperCase() + name.slice(1);
  } catch {
    return code;
  }
}

/** `Speaker 1` for the server's `S1`. @param {string} speaker */
export function speakerName(speaker) {
  const number = /^S(\d+)$/.exec(speaker)?.[1];
  return number ? text("speaker_number", [number]) : speaker;
}

/**
 * Plain words for a code of ours or of the server's; the server's own words for what we have none of.
 * @param {string} code @param {string} [message] @param {string[]} [values]
 */
export function explain(code, message = "", values = []) {
  const ours = api.i18n.getMessage(`trouble_${code}`, values);
  return ours || message || text("trouble_unknown", [code]);
}

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
export function part(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`There is no ${type.name} of the id ${id}.`);
  return found;
}
