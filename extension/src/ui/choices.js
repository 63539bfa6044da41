// What the server can do, as choices: languages and engines.

import { say, text } from "../api.js";
import { targetOf } from "../settings.js";
import { languageName } from "./i18n.js";
import { languageChoices } from "./language_choices.js";

/** @param {string} path @returns {Promise<any>} null when the server did not say */
async function ask(path) {
  const answer = await say({ to: "background", type: "read", path });
  return answer && !answer.code ? answer : null;
}

/** @param {HTMLSelectElement} source @param {HTMLSelectElement} target @param {import("../settings.js").Settings} settings */
export async function offerLanguages(source, target, settings) {
  const chosen = { source: settings.sourceLanguage, target: targetOf(settings) };
  fill(source, ["auto", chosen.source], chosen.source, languageName);
  fill(target, [chosen.target], chosen.target, languageName);
  const answer = await ask("/api/languages");
  if (!answer) return;
  const { sources, targets } = languageChoices(answer, settings.subtitles, chosen);
  show(source, sources, chosen.source, ["auto"]);
  show(target, targets, chosen.target, [chosen.target]);
}

/** @param {HTMLSelectElement} select @param {import("./language_choices.js").Choice[]} choices @param {string} chosen @param {string[]} [before] */
function show(select, choices, chosen, before = []) {
  const written = new Set(choices.filter((choice) => choice.written).map(({ code }) => code));
  const codes = [...before, ...choices.map(({ code }) => code)];
  fill(select, codes, chosen, (code) =>
    written.has(code) ? text("subtitles_only", [languageName(code)]) : languageName(code),
  );
}

/** @param {HTMLSelectElement} engine @param {import("../settings.js").Settings} settings */
export async function offerEngines(engine, settings) {
  const chosen = settings.engines.synthesis ?? "";
  const named = (/** @type {string} */ name) => name || text("engine_default");
  fill(engine, ["", chosen], chosen, named);
  const answer = await ask("/api/engines");
  const usable = /** @type {{engine: string, available: boolean}[]} */ (answer?.engines?.synthesis ?? [])
    .filter(({ available }) => available)
    .map((one) => one.engine);
  if (answer) fill(engine, ["", chosen, ...usable], chosen, named);
}

/** @param {HTMLSelectElement} select @param {string[]} values @param {string} chosen @param {(value: string) => string} name */
function fill(select, values, chosen, name) {
  const options = [...new Set(values)].map((value) => new Option(name(value), value, false, value === chosen));
  const [first, ...rest] = options;
  rest.sort((a, b) => a.text.localeCompare(b.text));
  select.replaceChildren(...(first ? [first, ...rest] : []));
  select.value = chosen;
}
