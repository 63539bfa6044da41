// Is anything in the tab copy-protected? What is, is not captured; nor what cannot be looked into.

import { api } from "../api.js";

/**
 * @typedef {object} FrameReport
 * @property {string} origin of the frame
 * @property {boolean} protected
 * @property {number} media elements that sound could come from
 * @property {boolean} muted all of those that play are
 * @property {string[]} delegated origins of frames in it that may play protected media
 * @property {import("../../shared/subtitles.js").Track[]} tracks of the player that is heard
 *
 * @typedef {object} Inspection
 * @property {boolean} protected
 * @property {string[]} unknown origins of frames that could not be looked into
 * @property {number} media
 * @property {boolean} muted
 * @property {boolean} reachable
 * @property {import("../../shared/subtitles.js").Track[]} tracks
 */

/** Looks into all frames that may be looked into. @param {number} tabId @returns {Promise<Inspection>} */
export async function inspect(tabId) {
  await api.scripting.executeScript({ target: { tabId, allFrames: true }, files: ["src/content/watch.js"] });
  const results = await api.scripting.executeScript({
    target: { tabId, allFrames: true },
    func: () => /** @type {any} */ (globalThis).__dubWatch?.report(),
  });
  return judge(results.map(({ result }) => /** @type {any} */ (result)).filter(Boolean));
}

/** @param {FrameReport[]} reports @returns {Inspection} */
export function judge(reports) {
  const seen = new Set(reports.map((report) => report.origin));
  // A frame of another origin plays protected media only if its parent lets it.
  const unknown = new Set(reports.flatMap((report) => report.delegated).filter((origin) => !seen.has(origin)));
  return {
    protected: reports.some((report) => report.protected),
    unknown: [...unknown],
    media: reports.reduce((sum, report) => sum + report.media, 0),
    muted: reports.every((report) => report.muted),
    reachable: reports.length > 0,
    tracks: reports.flatMap((report) => report.tracks),
  };
}
