// What the listener chose, kept in this browser. Storage that is forbidden costs only the memory.

const KEY = "dubbing";

const DEFAULTS = {
  kind: "sample",
  source: "auto",
  target: "",
  preserveVoice: true,
  engines: {},
  original: 1,
  dub: 1,
  floor: 0.15,
  offsetS: 0,
  showSource: true,
  announce: false,
  shortcuts: true,
};

/** @typedef {typeof DEFAULTS} Preferences */

/** @returns {Preferences} */
export function preferences() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const fitting = Object.entries(kept).filter(([name, value]) => typeof value === typeof DEFAULTS[name]);
    return { ...DEFAULTS, ...Object.fromEntries(fitting) };
  } catch {
    return { ...DEFAULTS };
  }
}

/** @param {Partial<Preferences>} news */
export function prefer(news) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...preferences(), ...news }));
  } catch {
    // Forbidden or full.
  }
}
