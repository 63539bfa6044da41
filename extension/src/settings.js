// What the person has set; kept in storage.local and carried over from older versions.

import { api } from "./api.js";

export const VERSION = 1;

/**
 * @typedef {"never" | "ask" | "always"} SiteRule
 *
 * @typedef {object} Settings
 * @property {number} version
 * @property {string} server such as `https://dub.example.org`; empty until one was chosen
 * @property {string} targetLanguage
 * @property {string} sourceLanguage `auto`, or a code
 * @property {boolean} preserveVoice
 * @property {Record<string, string>} engines role to name; roles left out are as the server is set
 * @property {number} original volume, 0 to 1
 * @property {number} dub volume, 0 to 2
 * @property {number} floor of the original under a cue, 0 to 1
 * @property {number} offsetS
 * @property {boolean} overlay captions in the page
 * @property {boolean} subtitles of the page are the text of the source, where it has some
 * @property {Record<string, SiteRule>} sites host name to rule; others are asked
 * @property {string[]} languagesNever spoken languages that are left as they are
 */

/** @type {Settings} */
export const DEFAULTS = {
  version: VERSION,
  server: "",
  targetLanguage: "",
  sourceLanguage: "auto",
  preserveVoice: true,
  engines: {},
  original: 1,
  dub: 1,
  floor: 0.15,
  offsetS: 0,
  overlay: false,
  subtitles: true,
  sites: {},
  languagesNever: [],
};

/** Whatever is stored, as settings of this version. @param {any} stored @returns {Settings} */
export function migrated(stored) {
  const before = stored && typeof stored === "object" ? stored : {};
  /** @type {Record<string, unknown>} */
  const known = {};
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const kept = before[name];
    const fits = typeof kept === typeof value && Array.isArray(kept) === Array.isArray(value) && kept !== null;
    known[name] = fits ? kept : value;
  }
  return /** @type {Settings} */ ({ ...known, version: VERSION });
}

/** @returns {Promise<Settings>} */
export async function readSettings() {
  const { settings } = await api.storage.local.get("settings");
  return migrated(settings);
}

/** @param {Partial<Settings>} changes @returns {Promise<Settings>} */
export async function changeSettings(changes) {
  const settings = { ...(await readSettings()), ...changes };
  await api.storage.local.set({ settings });
  return settings;
}

/** Language to dub into when none was chosen: the browser's own. @param {Settings} settings */
export function targetOf(settings) {
  return settings.targetLanguage || api.i18n.getUILanguage().split("-")[0];
}

/** @param {string} host @param {Settings} settings @returns {SiteRule} of it, or of the domain above */
export function ruleFor(host, settings) {
  for (let name = host; name; name = name.split(".").slice(1).join("."))
    if (settings.sites[name]) return settings.sites[name];
  return "ask";
}
