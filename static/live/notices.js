// What the listener is told: one box for each subject, and one live region for all of them.

const SHOWN_MAX = 4;
const INFO_MS = 8000;

export class Notices {
  /** @param {HTMLElement} place @param {HTMLElement} announcer */
  constructor(place, announcer) {
    this._place = place;
    this._announcer = announcer;
    /** @type {Map<string, HTMLElement>} */
    this._shown = new Map();
  }

  /** @param {import("./words.js").Said} said @param {string} subject a newer one takes its place */
  say({ text, action, tone = "info" }, subject) {
    this.take(subject);
    const box = document.createElement("div");
    box.className = `alert alert-${tone} notice`;
    box.dataset.code = subject;
    const words = document.createElement("span");
    words.textContent = text;
    box.append(words);
    if (action) {
      const link = document.createElement("a");
      link.href = action.href;
      link.textContent = action.label;
      link.className = "alert-link";
      box.append(" ", link);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn-close";
    close.setAttribute("aria-label", "Dismiss");
    close.addEventListener("click", () => this.take(subject));
    box.append(close);
    this._shown.set(subject, box);
    this._place.prepend(box);
    while (this._shown.size > SHOWN_MAX) this.take(this._shown.keys().next().value);
    this.announce(text);
    if (tone === "info") setTimeout(() => this._shown.get(subject) === box && this.take(subject), INFO_MS);
  }

  /** @param {string} subject whose box goes */
  take(subject) {
    this._shown.get(subject)?.remove();
    this._shown.delete(subject);
  }

  clear() {
    for (const subject of [...this._shown.keys()]) this.take(subject);
  }

  /** @param {string} text for screen readers */
  announce(text) {
    this._announcer.textContent = text;
  }
}
