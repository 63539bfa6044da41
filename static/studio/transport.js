// What is heard, and where: the buttons below the picture, and the place on the timeline.

import { MODES, Player } from "./player.js";
import { clock } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Transport {
  /**
   * @param {string} project its address
   * @param {{timeline: import("./timeline.js").Timeline, say: (text: string, tone?: string) => void, at: (atS: number | null) => void}} acts
   */
  constructor(project, acts) {
    this._acts = acts;
    this._project = project;
    this._sound = $("line-sound");
    this.player = new Player({ original: $("original"), dub: $("dub"), both: $("both") }, project);
    this.durationS = 0;
    const { player } = this;
    for (const name of ["change", "tick"]) player.addEventListener(name, () => this.render());
    player.addEventListener("unplayable", () => acts.say(`This browser cannot play the ${player.mode === "original" ? "original’s format; dub and mix can be heard" : "track"}.`, "warning"));
    $("play").addEventListener("click", () => this.toggle());
    $("place").addEventListener("input", () => this.seek(Number($("place").value)));
    for (const mode of MODES) $(`hear-${mode}`).addEventListener("change", () => player.choose(mode));
    $("zoom-in").addEventListener("click", () => acts.timeline.zoom(1.6));
    $("zoom-out").addEventListener("click", () => acts.timeline.zoom(1 / 1.6));
  }

  toggle() {
    if (this.player.playing) this.player.pause();
    else this.player.play();
  }

  /** @param {number} atS */
  seek(atS) {
    this.player.seek(atS);
    this.render();
  }

  /** From the beginning of a line, or no longer. @param {any | null} line */
  playFrom(line) {
    if (this.player.playing) this.player.pause();
    else if (line) this.player.play(line.start_s);
  }

  /** The line's own sound, whatever the mix has. @param {any} line */
  playLine(line) {
    if (!line.sound) return this._acts.say("The line has not been spoken yet.", "warning");
    this.player.pause();
    this._sound.src = `${this._project}/lines/${line.number}/audio?of=${line.sound.digest}`;
    this._sound.play().catch(() => this._acts.say("This browser cannot play the line.", "warning"));
  }

  render() {
    const { there = {}, mode, playing, atS } = this.player;
    $("play").disabled = !there[mode];
    $("play").querySelector("[data-label]").textContent = playing ? "Stop" : "Play";
    $("play").dataset.playing = String(playing);
    for (const one of MODES) {
      $(`hear-${one}`).disabled = !there[one];
      $(`hear-${one}`).checked = one === mode && Boolean(there[one]);
    }
    $("at").textContent = clock(atS, true);
    $("place").hidden = !Object.values(there).some(Boolean);
    if (this.durationS) $("place").max = String(this.durationS);
    $("place").value = String(atS);
    $("place").setAttribute("aria-valuetext", clock(atS, true));
    this._acts.timeline.setPlace(atS, playing);
    this._acts.at(playing ? atS : null);
  }
}
