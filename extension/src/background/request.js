// What is asked of the server for a tab, and in which language the page's subtitles serve.

import { languageOf } from "../../shared/subtitles.js";
import { targetOf } from "../settings.js";

/**
 * @param {import("../settings.js").Settings} settings
 * @param {import("../../shared/subtitles.js").Track[]} tracks of the page
 * @returns {{request: Record<string, unknown>, subtitles: string}} fields of `start_dubbing`, and
 *   the language of the tracks that are to be read; empty for none
 */
export function requestFor(settings, tracks) {
  const target = targetOf(settings);
  const spoken = {
    target_language: target,
    source_language: settings.sourceLanguage,
    preserve_voice: settings.preserveVoice,
    engines: settings.engines,
  };
  const subtitles = settings.subtitles ? languageOf(tracks, settings.sourceLanguage, target) : "";
  if (!subtitles) return { request: spoken, subtitles };
  const request = { ...spoken, source_language: subtitles, source_text: true };
  // Where the person names no language, one that cannot be translated is no reason to give up.
  return { request: settings.sourceLanguage === "auto" ? { ...request, instead: spoken } : request, subtitles };
}
