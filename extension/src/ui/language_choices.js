// Which languages can be chosen, and which of them only the page's subtitles can bring. Pure.

/**
 * @typedef {{source: string, target: string}} Pair
 *
 * @typedef {object} Abilities what `GET /api/languages` says
 * @property {Pair[]} pairs that are recognised, translated and spoken
 * @property {Pair[]} translates
 * @property {string[]} speaks
 *
 * @typedef {object} Choice
 * @property {string} code
 * @property {boolean} written nothing recognises what would have to be said: subtitles must tell it
 */

/**
 * @param {Abilities} server
 * @param {boolean} subtitles may be the text of the source
 * @param {{source: string, target: string}} chosen stays among the choices, whatever the server can do
 * @returns {{sources: Choice[], targets: Choice[]}}
 */
export function languageChoices({ pairs, translates, speaks }, subtitles, chosen) {
  const spoken = new Set(speaks);
  const able = translates.filter(({ target }) => spoken.has(target));

  /** @param {"source" | "target"} end @returns {Choice[]} */
  function offered(end) {
    const recognised = new Set(pairs.map((pair) => pair[end]));
    const written = new Set(able.map((pair) => pair[end]).filter((code) => !recognised.has(code)));
    const codes = new Set([...recognised, ...(subtitles ? written : []), chosen[end]]);
    return [...codes].filter(Boolean).map((code) => ({ code, written: written.has(code) }));
  }
  return { sources: offered("source"), targets: offered("target") };
}
