// One line as the list shows it: a button that plays from there, and one that opens its editor.

import { lookOf } from "../live/speakers-view.js";
import { clock, element } from "./words.js";

export class LineRow {
  /** @param {number} number @param {{open: (number: number) => void, play: (number: number) => void, marks: Record<string, string>, languages: {source: string, target: string}}} acts */
  constructor(number, acts) {
    this._acts = acts;
    this._shown = "";
    this.item = document.createElement("li");
    this.item.dataset.number = String(number);
    this.item.id = `line-${number}`;
    this.button = element("button", "line-row");
    this.button.type = "button";
    this.button.tabIndex = -1;
    this.button.setAttribute("aria-expanded", "false");
    this.button.addEventListener("click", () => acts.open(number));
    const play = element("button", "btn btn-sm btn-outline-secondary line-play");
    play.type = "button";
    play.setAttribute("aria-label", `Play from line ${number + 1}`);
    play.append(document.getElementById("play-picture").content.cloneNode(true));
    play.addEventListener("click", () => acts.play(number));
    const head = element("div", "line-head");
    head.append(play, this.button);
    this.item.append(head);
  }

  /**
   * @param {any} row a little of it @param {any | null} line the whole, null: it has not been read yet
   * @param {string} speaker what they are called @param {boolean} unkept whether an edit of it is not kept
   */
  show(row, line, speaker, unkept) {
    const shown = JSON.stringify([row, line, speaker, unkept]);
    if (shown === this._shown) return;
    this._shown = shown;
    this.item.className = `studio-line ${lookOf(row.speaker)} is-${row.state}`;
    const about = element("span", "line-about");
    about.append(element("bdi", "line-speaker", speaker), element("span", "line-time", `${clock(row.start_s, true)} – ${clock(row.end_s, true)}`));
    const target = element("span", "line-target", line ? line.target_text || "Not translated yet" : "…");
    target.lang = this._acts.languages.target;
    const source = element("span", "line-source", line?.source_text ?? "…");
    source.lang = line?.language || this._acts.languages.source;
    // Each text in the direction of its own script.
    for (const text of [target, source]) text.dir = "auto";
    this.button.replaceChildren(about, target, source, this._badges(row, line, unkept));
  }

  _badges(row, line, unkept) {
    const badges = element("span", "line-badges");
    badges.append(row.state === "fresh" ? element("span", "badge badge-good", "Fresh") : element("span", "badge badge-warn", "Stale"));
    if (unkept) badges.append(element("span", "badge badge-soft", "Not kept yet"));
    for (const mark of line?.sound?.marks ?? []) {
      const badge = element("span", "badge badge-bad", mark.replaceAll("_", " "));
      badge.title = this._acts.marks[mark] ?? "";
      badges.append(badge);
    }
    if (line?.problem) badges.append(element("span", "badge badge-bad", line.problem === "voice_withdrawn" ? "voice withdrawn" : "not spoken"));
    return badges;
  }
}
