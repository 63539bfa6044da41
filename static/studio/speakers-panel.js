// Who speaks in the project: what they are called, and in which voice they are dubbed.

import { isolated } from "../bidi.js";
import { lookOf } from "../live/speakers-view.js";
import { offer } from "../offering.js";
import { Refusal } from "./api.js";
import { element, speakerName } from "./words.js";

export class SpeakersPanel {
  /** @param {any} studio @param {HTMLElement} list @param {HTMLTemplateElement} template */
  constructor(studio, list, template) {
    this._studio = studio;
    this._list = list;
    this._template = template;
  }

  /** @param {any[]} speakers @param {any[]} voices @param {any[]} lines */
  show(speakers, voices, lines) {
    const counts = Map.groupBy ? Map.groupBy(lines, (line) => line.speaker ?? "") : new Map();
    const focused = document.activeElement?.id;
    this._list.replaceChildren(...speakers.map((one) => this._row(one, voices, counts.get(one.label)?.length ?? 0)));
    if (focused?.startsWith("speaker-")) document.getElementById(focused)?.focus();
    if (!speakers.length) this._list.append(element("li", "text-secondary", "Nobody yet: speakers are told apart when the file is dubbed."));
  }

  _row(speaker, voices, count) {
    const row = this._template.content.cloneNode(true).firstElementChild;
    const part = (name) => row.querySelector(`[data-part="${name}"]`);
    row.classList.add(lookOf(speaker.label));
    row.dataset.speaker = speaker.label;
    const shown = speakerName(speaker.label, this._studio.speakers());
    part("shown").textContent = shown;
    part("count").textContent = `${count} line${count === 1 ? "" : "s"}`;
    for (const name of ["name", "voice"]) {
      part(name).id = `speaker-${name}-${speaker.id}`;
      part(`${name}-label`).htmlFor = part(name).id;
      part(`${name}-label`).textContent = `${name === "name" ? "Name" : "Voice"} of ${isolated(shown)}`;
      part(name).disabled = !this._studio.page.editable;
    }
    part("name").value = speaker.name;
    part("name").placeholder = shown;
    const options = voices.map((one) => [one.id, one.name]);
    if (!options.some(([id]) => id === speaker.voice)) options.unshift([speaker.voice, speaker.voice || "None yet"]);
    offer(part("voice"), options, speaker.voice);
    part("shaped").hidden = !speaker.shaped;
    this._actor(speaker, shown, part);
    part("name").addEventListener("change", () => this._edit(speaker, { name: part("name").value.trim() }));
    part("voice").addEventListener("change", () => part("voice").value && this._edit(speaker, { voice: part("voice").value }));
    return row;
  }

  /** Who was recognised: perhaps, which a person settles, or for certain, which they may deny. */
  _actor(speaker, shown, part) {
    part("actor").hidden = !speaker.actor;
    if (!speaker.actor) return;
    const sure = speaker.actor_state === "confirmed";
    part("actor-words").textContent = sure ? "This is" : "Perhaps this is";
    part("actor-link").textContent = speaker.actor_name;
    part("actor-link").href = `/voice-management/actors/${speaker.actor}`;
    part("confirm").hidden = sure || !this._studio.page.editable;
    part("reject").hidden = !this._studio.page.editable;
    for (const [name, words] of [["confirm", "is"], ["reject", "is not"]]) {
      part(name).setAttribute("aria-label", `${shown} ${words} ${speaker.actor_name}`);
      part(name).addEventListener("click", () => this._decide(speaker, name));
    }
  }

  /** @param {any} speaker @param {string} decision */
  async _decide(speaker, decision) {
    const { api, page } = this._studio;
    try {
      await api.post(`${page.project}/speakers/${speaker.id}/${decision}`, {});
      this._studio.say(decision === "confirm" ? `That is ${isolated(speaker.actor_name)}. Choose their voice in the list, if you have one of them.` : `That is not ${isolated(speaker.actor_name)}.`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
    await this._studio.speakersChanged(false);
  }

  /** Under the tag of what is shown here: another one's edit in between is told, not overwritten. */
  async _edit(speaker, changes) {
    const { api, page } = this._studio;
    const address = `${page.project}/speakers/${speaker.id}`;
    try {
      const { body, tag } = await api.ask("GET", address);
      if (body.revision !== speaker.revision) {
        this._studio.say(`Somebody else has changed ${isolated(speakerName(speaker.label, [body]))} meanwhile: look at it, then change it again.`, "warning");
        return await this._studio.speakersChanged(false);
      }
      await api.edit(address, changes, tag);
      this._studio.say("voice" in changes ? "The voice is kept. Their lines are stale until they are dubbed again." : "The name is kept.");
      await this._studio.speakersChanged("voice" in changes);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
      await this._studio.speakersChanged(false);
    }
  }
}
