// The last lines in both languages, by speaker. Changes what has changed, so that a reader's place
// and a screen reader's are kept.

import { speakerName } from "./i18n.js";

const COLOURS = 6;

/** @param {HTMLElement} list @param {import("../../shared/captions.js").CaptionLine[]} lines @param {import("../../shared/captions.js").Speaker[]} speakers @param {string} partial */
export function showLines(list, lines, speakers, partial) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const colours = new Map(speakers.map(({ speaker, colour }) => [speaker, colour % COLOURS]));
  const wanted = new Set(lines.map(({ line }) => `l${line}`));
  for (const row of [...list.children]) {
    const id = /** @type {HTMLElement} */ (row).dataset.line ?? "";
    if (id !== "partial" && !wanted.has(id)) row.remove();
  }
  for (const line of lines) {
    const id = `l${line.line}`;
    const known = list.querySelector(`[data-line="${id}"]`);
    const row = known instanceof HTMLElement ? known : document.createElement("p");
    row.dataset.line = id;
    row.className = line.how;
    const parts = [
      piece("who", speakerName(line.speaker ?? ""), `s${colours.get(line.speaker ?? "") ?? 0}`),
      piece("target", line.text),
      piece("source", line.source),
    ].filter((element) => element.textContent);
    const markup = parts.map((element) => element.outerHTML).join("");
    if (row.dataset.shown !== markup) {
      row.replaceChildren(...parts);
      row.dataset.shown = markup;
    }
    if (!known) list.append(row);
  }
  showPartial(list, partial);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

/** @param {HTMLElement} list @param {string} partial */
function showPartial(list, partial) {
  let row = /** @type {HTMLElement | null} */ (list.querySelector('[data-line="partial"]'));
  if (!partial) {
    row?.remove();
    return;
  }
  if (!row) {
    row = document.createElement("p");
    row.dataset.line = "partial";
    row.className = "source";
    row.dir = "auto";
  }
  row.textContent = `${partial} …`;
  list.append(row);
}

/** @param {string} name @param {string} words @param {string} [more] */
function piece(name, words, more = "") {
  const element = document.createElement("span");
  element.className = `${name} ${more}`.trim();
  element.textContent = words;
  // What people say is written in the direction of its own script.
  element.dir = "auto";
  return element;
}
