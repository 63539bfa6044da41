// What is to be dubbed, from which language into which, with which engines.

import { offer, preferred } from "../offering.js";
import { prefer, preferences } from "./preferences.js";

const AUTO = "auto";

export class Setup {
  /** @param {HTMLFormElement} form @param {any} page */
  constructor(form, page) {
    this._form = form;
    this._page = page;
    /** @type {(asksAnew: boolean) => void} whether a run under way would now be another one */
    this.onChange = () => {};
    const part = (name) => form.querySelector(`[name="${name}"]`);
    this._source = part("source");
    this._target = part("target");
    this._voice = part("preserve_voice");
    this._file = part("file");
    const kept = preferences();
    const session = page.session;
    this._offerLanguages(session?.source || kept.source, session?.target || kept.target);
    this._voice.checked = session ? session.preserve_voice : kept.preserveVoice;
    this._offerEngines(kept.engines);
    const kind = form.querySelector(`[name="kind"][value="${kept.kind}"]`) ?? form.querySelector('[name="kind"]');
    kind.checked = true;
    form.addEventListener("change", (event) => this._changed(event.target));
    form.addEventListener("submit", (event) => event.preventDefault());
    this._showFile();
  }

  get kind() {
    return new FormData(this._form).get("kind") ?? "sample";
  }

  /** Can dubbing be started with what is chosen? */
  get complete() {
    return Boolean(this._target.value) && (this.kind !== "file" || this._file.files.length > 0);
  }

  /** @returns {{kind: string, file: File | null, request: Record<string, unknown>} | null} */
  wish() {
    if (!this.complete) return null;
    return {
      kind: this.kind,
      file: this._file.files[0] ?? null,
      request: {
        source_language: this._source.value,
        target_language: this._target.value,
        preserve_voice: this._voice.checked,
        engines: this._engines(),
      },
    };
  }

  /**
   * @param {{source: boolean, all: boolean}} locked the source while it is being dubbed; all
   *   while that begins
   */
  lock({ source, all }) {
    for (const field of this._form.querySelectorAll("fieldset"))
      field.disabled = all || (source && field.classList.contains("setup-kinds"));
  }

  /** @param {string} code */
  nameOf(code) {
    if (code === AUTO || !code) return "Any language";
    return this._page.languages[code] ?? code;
  }

  /** @param {string} source @param {string} target */
  _offerLanguages(source, target) {
    const heard = [...new Set(this._page.pairs.map(([from]) => from))];
    offer(this._source, [[AUTO, "Find out"], ...this._named(heard)], source);
    this._offerTargets(target);
  }

  /** @param {string} chosen */
  _offerTargets(chosen) {
    const source = this._source.value;
    const fitting = this._page.pairs.filter(([from]) => source === AUTO || from === source).map(([, to]) => to);
    offer(this._target, this._named([...new Set(fitting)]), chosen || preferred(fitting));
  }

  /** @param {string[]} codes @returns {[string, string][]} by name */
  _named(codes) {
    return codes.map((code) => [code, this.nameOf(code)]).sort((a, b) => a[1].localeCompare(b[1]));
  }

  /** @param {Record<string, string>} chosen */
  _offerEngines(chosen) {
    for (const select of this._form.querySelectorAll("[data-role]")) {
      const engines = this._page.engines[select.dataset.role] ?? [];
      const usual = engines.find((one) => one.chosen)?.engine;
      const options = engines.map(({ engine, available, reason }) => [engine, available ? engine : `${engine} (${reason})`, !available]);
      offer(select, [["", usual ? `As the server is set (${usual})` : "As the server is set"], ...options], chosen[select.dataset.role] ?? "");
    }
  }

  /** @returns {Record<string, string>} */
  _engines() {
    const chosen = [...this._form.querySelectorAll("[data-role]")].map((select) => [select.dataset.role, select.value]);
    return Object.fromEntries(chosen.filter(([, engine]) => engine));
  }

  /** @param {Element} field */
  _changed(field) {
    if (field === this._source) this._offerTargets(this._target.value);
    if (field.name === "kind") this._showFile();
    prefer({
      kind: this.kind,
      source: this._source.value,
      target: this._target.value,
      preserveVoice: this._voice.checked,
      engines: this._engines(),
    });
    this.onChange(field.name !== "kind" && field !== this._file);
  }

  _showFile() {
    this._file.closest("[data-file]").hidden = this.kind !== "file";
  }
}
