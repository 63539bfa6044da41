// One line is edited where it stands. What is sent is only what was changed, under the tag of
// what was seen; when somebody else was quicker, both are shown and nothing is thrown away.

import { offer } from "../offering.js";
import { Refusal } from "./api.js";
import { Comments } from "./comments.js";
import { element, fieldName, problemWords, speakerName } from "./words.js";

const TEXTS = ["source_text", "target_text"];
const TIMES = ["start_s", "end_s"];
const NEW = "new speaker";

export class LineEditor {
  /**
   * @param {{api: import("./api.js").Api, page: any, speakers: () => any[], voices: () => any[], changed: (line: any, fields: string[]) => void, dirty: (number: number, dirty: boolean) => void, close: () => void, removed: (number: number) => void, play: (line: any) => void, say: (text: string, tone?: string) => void}} studio
   * @param {any} line @param {string} tag
   */
  constructor(studio, line, tag) {
    this._studio = studio;
    this.line = line;
    this._tag = tag;
    this._address = `${studio.page.project}/lines/${line.number}`;
    this.form = document.getElementById("line-editor").content.cloneNode(true).firstElementChild;
    this._part = (name) => this.form.querySelector(`[data-part="${name}"]`);
    for (const field of this.form.querySelectorAll("[data-field]")) {
      field.id = `${field.dataset.field}-${line.number}`;
      field.closest("[data-labelled]").querySelector("label").htmlFor = field.id;
    }
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    this.form.addEventListener("input", () => this._edited());
    this._part("close").addEventListener("click", () => studio.close());
    this._part("undo").addEventListener("click", () => this.undo());
    this._part("delete").addEventListener("click", () => this.remove());
    this._part("play").addEventListener("click", () => studio.play(this.line));
    this._part("keep-mine").addEventListener("click", () => this.keepMine());
    this._part("take-theirs").addEventListener("click", () => this.takeTheirs());
    this._field("speaker").addEventListener("change", () => this._offerVoices(this._field("voice").value));
    for (const field of this.form.querySelectorAll("[data-field], [data-style]")) field.disabled = !studio.page.editable;
    for (const name of ["save", "undo", "delete"]) this._part(name).hidden = !studio.page.editable;
    this._comments = new Comments(studio, this._part("comments"), this._address);
    this._fill();
  }

  /** What is in the fields and not in the line. @returns {Record<string, any>} */
  get changes() {
    const found = {};
    for (const name of [...TEXTS, "voice"]) if (this._field(name).value !== this.line[name]) found[name] = this._field(name).value;
    for (const name of TIMES) {
      const value = Number(this._field(name).value);
      if (Math.abs(value - round(this.line[name])) > 1e-6) found[name] = value;
    }
    const speaker = this._field("speaker").value;
    if (speaker !== (this.line.speaker ?? "")) found.speaker = speaker === NEW ? this._newLabel() : speaker;
    const style = this._style();
    if (JSON.stringify(style) !== JSON.stringify(this._styleOf(this.line))) found.style = { ...othersOf(this.line.style, this._studio.page.styles), ...style };
    return found;
  }

  get dirty() {
    return Object.keys(this.changes).length > 0;
  }

  focus() {
    this._field("target_text").focus();
  }

  /** It was read anew; what is being typed stays. @param {any} line @param {string} tag */
  refresh(line, tag) {
    if (this.dirty) return;
    this.line = line;
    this._tag = tag;
    this._fill();
  }

  async save() {
    if (this._saving) return;
    const changes = this.changes;
    const names = Object.keys(changes);
    this._problem("");
    if (!names.length) return this._studio.say("There is nothing to keep: the line is as it was.");
    if (TIMES.some((name) => !this._field(name).validity.valid || this._field(name).value === ""))
      return this._problem("Give start and end in seconds, such as 12.5.");
    this._setSaving(true);
    try {
      const { body, tag } = await this._studio.api.edit(this._address, changes, this._tag);
      this._took(body, tag);
      this._studio.changed(body, names);
      this._studio.say(`Line ${body.number + 1} is kept.${body.state === "stale" ? " It is stale until it is dubbed again." : ""}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 412) await this._overtaken(changes);
      else this._problem(error.message);
    } finally {
      this._setSaving(false);
    }
  }

  async undo() {
    try {
      const { body, tag } = await this._studio.api.ask("POST", `${this._address}/undo`);
      this._took(body, tag);
      this._studio.changed(body, TIMES);
      this._studio.say(`The newest change of line ${body.number + 1} is taken back.`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._problem(error.message);
    }
  }

  async remove() {
    if (!(await this._studio.ask("Delete this line with its comments? This cannot be taken back.", "Delete it"))) return;
    try {
      await this._studio.api.ask("DELETE", this._address, { headers: { "If-Match": this._tag } });
      this._studio.removed(this.line.number);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._problem(error.status === 412 ? "Somebody has changed this line meanwhile: close it, look at it again, then delete it." : error.message);
    }
  }

  /** What was typed goes over what somebody else wrote, now that it was seen. */
  async keepMine() {
    this._part("conflict").hidden = true;
    await this.save();
  }

  takeTheirs() {
    this._part("conflict").hidden = true;
    this._fill();
    this._edited();
    this.focus();
  }

  /** Somebody else has changed the line: theirs is shown beside what stays in the fields. */
  async _overtaken(mine) {
    const { body, tag } = await this._studio.api.ask("GET", this._address);
    const before = this.line;
    this.line = body;
    this._tag = tag;
    // Fields that only they have changed show theirs; what was typed stays.
    for (const name of [...TEXTS, ...TIMES]) if (!(name in mine)) this._field(name).value = TIMES.includes(name) ? round(body[name]) : body[name];
    if (!("speaker" in mine)) this._field("speaker").value = body.speaker ?? "";
    if (!("voice" in mine)) this._offerVoices(body.voice);
    if (!("style" in mine)) this._fillStyle();
    const both = Object.keys(mine).filter((name) => JSON.stringify(body[name]) !== JSON.stringify(before[name]));
    this._part("theirs").replaceChildren(
      ...(both.length ? both : Object.keys(mine)).flatMap((name) => [
        element("dt", "", `${fieldName(name)}, theirs`),
        written(shown(body[name], this._studio.speakers(), name)),
        element("dt", "", `${fieldName(name)}, yours`),
        written(shown(mine[name], this._studio.speakers(), name)),
      ]),
    );
    this._part("conflict-words").textContent = both.length
      ? "Somebody else has changed the same meanwhile. What you typed is still in the fields: choose which is to stay."
      : "Somebody else has changed this line meanwhile, but not what you changed. Look at it, then keep yours.";
    this._part("conflict").hidden = false;
    this._part("keep-mine").focus();
    this._studio.changed(body, []);
    this._studio.say("Somebody else has changed this line meanwhile; yours is not kept yet.", "warning");
    this._edited();
  }

  _took(line, tag) {
    this.line = line;
    this._tag = tag;
    this._part("conflict").hidden = true;
    this._fill();
    this._edited();
  }

  _fill() {
    const { line } = this;
    for (const name of TEXTS) this._field(name).value = line[name];
    for (const name of TIMES) this._field(name).value = round(line[name]);
    this._field("source_text").lang = line.language;
    const speakers = [...this._studio.speakers()];
    // Whom this line was just given may not have been read yet.
    if (line.speaker && !speakers.some((one) => one.label === line.speaker)) speakers.push({ label: line.speaker });
    offer(
      this._field("speaker"),
      // Nobody is made unknown again; whoever could not be told is so until they are named.
      [...(line.speaker ? [] : [["", "Unknown speaker"]]), ...speakers.filter((one) => one.label).map((one) => [one.label, speakerName(one.label, speakers)]), [NEW, "A new speaker"]],
      line.speaker ?? "",
    );
    this._offerVoices(line.voice);
    this._fillStyle();
    this._showSound();
  }

  /** @param {string} chosen */
  _offerVoices(chosen) {
    const label = this._field("speaker").value;
    const own = this._studio.speakers().find((one) => one.label === label);
    const voices = this._studio.voices().map((one) => [one.id, one.name]);
    if (chosen && !voices.some(([id]) => id === chosen)) voices.push([chosen, chosen]);
    offer(this._field("voice"), [["", own?.voice ? `The speaker’s (${own.shaped ? "like theirs" : own.voice})` : "The speaker’s"], ...voices], chosen);
  }

  _fillStyle() {
    const style = this._styleOf(this.line);
    for (const field of this.form.querySelectorAll("[data-style]")) field.value = String(style[field.dataset.style] ?? this._studio.page.styles[field.dataset.style]);
    this._showStyle();
  }

  /** The style of a line as its sliders can show it. @param {any} line */
  _styleOf(line) {
    const found = {};
    for (const field of this.form.querySelectorAll("[data-style]")) {
      const name = field.dataset.style;
      if (line.style[name] === undefined) continue;
      const probe = field.cloneNode();
      probe.value = String(line.style[name]);
      if (Number(probe.value) !== this._studio.page.styles[name]) found[name] = Number(probe.value);
    }
    return found;
  }

  /** What the sliders say that is not neutral. */
  _style() {
    const found = {};
    for (const field of this.form.querySelectorAll("[data-style]"))
      if (Number(field.value) !== this._studio.page.styles[field.dataset.style]) found[field.dataset.style] = Number(field.value);
    return found;
  }

  _showStyle() {
    for (const field of this.form.querySelectorAll("[data-style]")) field.parentElement.querySelector("output").textContent = field.value;
  }

  _showSound() {
    const { sound, problem } = this.line;
    const words = [];
    if (problem) words.push(problemWords(problem));
    if (sound && sound.text !== this.line.target_text && this.line.state === "fresh") words.push(`Spoken as: ${sound.text}`);
    if (sound && sound.speed > 1.005) words.push(`Hurried ${sound.speed.toFixed(2)} times.`);
    for (const mark of sound?.marks ?? []) words.push(this._studio.page.marks[mark] ?? mark);
    this._part("sound").replaceChildren(...words.map((text) => element("li", "", text)));
  }

  _edited() {
    this._showStyle();
    this._studio.dirty(this.line.number, this.dirty);
  }

  /** @param {string} text */
  _problem(text) {
    this._part("problem").textContent = text;
    this._part("problem").hidden = !text;
  }

  _setSaving(saving) {
    this._saving = saving;
    this._part("save").disabled = saving;
  }

  _newLabel() {
    const taken = this._studio.speakers().map((one) => Number(/^S(\d+)$/.exec(one.label)?.[1] ?? 0));
    return `S${Math.max(0, ...taken) + 1}`;
  }

  /** @param {string} name @returns {HTMLInputElement} */
  _field(name) {
    return this.form.querySelector(`[data-field="${name}"]`);
  }
}

const round = (seconds) => Math.round(seconds * 1000) / 1000;

/** What a style has beside what can be set here. @param {Record<string, number>} style @param {Record<string, number>} known */
const othersOf = (style, known) => Object.fromEntries(Object.entries(style).filter(([name]) => !(name in known)));

/** What somebody wrote, in the direction of its own script. @param {string} text */
function written(text) {
  const item = element("dd", "", text);
  item.dir = "auto";
  return item;
}

/** @param {any} value @param {any[]} speakers @param {string} field */
function shown(value, speakers, field) {
  if (field === "speaker") return speakerName(value, speakers);
  return typeof value === "object" ? JSON.stringify(value) : String(value) || "(empty)";
}
