// Files that are written of a project: wished for here, waited for, downloaded.

import { Refusal } from "./api.js";
import { isUnderWay } from "./job-follower.js";
import { once } from "./once.js";
import { element, size, whenSaid } from "./words.js";

const TEXTS = new Set(["srt", "vtt", "ass"]);
const SOUNDS = new Set(["dub", "mix", "stems", "video"]);
const SHOWN_MAX = 20;
const ASK_MS = 1500;

export class ExportsPanel {
  /** @param {any} studio @param {HTMLElement} place */
  constructor(studio, place) {
    this._studio = studio;
    this._address = `${studio.page.project}/exports`;
    const form = place.querySelector("form");
    this._list = place.querySelector("ul");
    this._form = form?.querySelector('[name="form"]');
    this._text = form?.querySelector('[name="text"]');
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      once(form.querySelector("button"), () => this.make());
    });
    this._form?.addEventListener("change", () => this._showText());
    this._list.addEventListener("click", (event) => {
      const id = event.target.closest("[data-delete]")?.dataset.delete;
      if (id) this.remove(id);
    });
    if (form) this._showText();
  }

  /** What can be written now. @param {{dub: boolean, picture: boolean}} there */
  offer({ dub, picture }) {
    for (const option of this._form?.options ?? []) {
      const sound = SOUNDS.has(option.value);
      option.disabled = (sound && !dub) || (option.value === "video" && !picture);
      option.hidden = option.value === "video" && !picture;
    }
  }

  async load() {
    clearTimeout(this._timer);
    try {
      const { results } = await this._studio.api.get(`${this._address}?limit=${SHOWN_MAX}`);
      this._show(results);
      if (results.some((one) => isUnderWay(one))) this._timer = setTimeout(() => this.load(), ASK_MS);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
  }

  async make() {
    const wish = { form: this._form.value, ...(TEXTS.has(this._form.value) ? { text: this._text.value } : {}) };
    try {
      await this._studio.api.create(this._address, wish);
      this._studio.say("The file is being written; it appears below when it is there.");
      await this.load();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
  }

  /** @param {string} id */
  async remove(id) {
    try {
      await this._studio.api.ask("DELETE", `/api/exports/${id}`);
      await this.load();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
  }

  _show(exports) {
    const ended = exports.find((one) => one.ready && this._waited?.has(one.id));
    if (ended) this._studio.announce(`${this._nameOf(ended)} is there to be downloaded.`);
    this._waited = new Set(exports.filter((one) => isUnderWay(one)).map((one) => one.id));
    this._list.replaceChildren(...exports.map((one) => this._item(one)));
    if (!exports.length) this._list.append(element("li", "text-secondary", "Nothing yet."));
  }

  _item(one) {
    const item = element("li", "export");
    item.dataset.export = one.id;
    item.dataset.form = one.form;
    const name = this._nameOf(one);
    const about = element("span", "export-about");
    const when = whenSaid(one.created_at);
    about.append(element("strong", "", name), element("small", "", one.ready ? `${size(one.size_bytes)} · ${when}` : when));
    item.append(about);
    if (one.ready) {
      const link = element("a", "btn btn-sm btn-outline-primary", "Download");
      link.href = `/api/exports/${one.id}/file`;
      link.setAttribute("download", "");
      link.setAttribute("aria-label", `Download ${name}`);
      item.append(link);
    } else item.append(element("span", `badge ${one.state === "failed" ? "badge-bad" : "badge-soft"}`, { failed: "Failed", cancelled: "Stopped" }[one.state] ?? "Being written"));
    if (this._studio.page.editable && !isUnderWay(one)) {
      const gone = element("button", "btn btn-sm btn-link", "Delete");
      gone.type = "button";
      gone.dataset.delete = one.id;
      gone.setAttribute("aria-label", `Delete ${name}`);
      item.append(gone);
    }
    return item;
  }

  _nameOf(one) {
    const of = TEXTS.has(one.form) ? { target: "", source: ", original", both: ", both languages" }[one.text] : "";
    return `${this._studio.page.forms[one.form] ?? one.form}${of ?? ""}`;
  }

  _showText() {
    this._text.closest("[data-text]").hidden = !TEXTS.has(this._form.value);
  }
}
