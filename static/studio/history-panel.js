// What was changed in the project, newest first; and a look now and then whether others did.

import { isolated } from "../bidi.js";
import { Refusal } from "./api.js";
import { element, fieldNames, personName, speakerName, whenSaid } from "./words.js";

const SHOWN_MAX = 15;
const LOOK_MS = 10_000;

export class HistoryPanel {
  /** @param {any} studio @param {HTMLElement} list */
  constructor(studio, list) {
    this._studio = studio;
    this._list = list;
    this._newest = null;
    setInterval(() => document.visibilityState === "visible" && this.look(), LOOK_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.look());
  }

  /** Read it, and tell the studio what others have changed since. */
  async look() {
    let changes;
    try {
      changes = (await this._studio.api.get(`${this._studio.page.project}/changes?limit=${SHOWN_MAX}`)).results;
    } catch (error) {
      // The next look will do; what a person does themselves tells them that the server is away.
      if (error instanceof Refusal) return;
      throw error;
    }
    const before = this._newest;
    this._newest = changes[0]?.id ?? 0;
    if (before === this._newest) return;
    this._show(changes);
    const { user } = this._studio.page;
    const theirs = before === null ? [] : changes.filter((one) => one.id > before && one.by !== user);
    if (theirs.length) await this._studio.othersChanged(theirs);
  }

  _show(changes) {
    this._list.replaceChildren(
      ...changes.map((one) => {
        const what = one.line !== null ? `Line ${one.line + 1}` : isolated(speakerName(one.speaker, this._studio.speakers()));
        const item = element("li", "change");
        const words = `${what}: ${fieldNames(Object.keys(one.after)) || "changed"}`;
        item.append(element("span", "", one.undoes ? `${words}, taken back` : words));
        const time = element("time", "", whenSaid(one.at));
        time.dateTime = one.at;
        const small = element("small", "");
        small.append(element("bdi", "", personName(one.by, this._studio.page)), ", ", time);
        item.append(small);
        return item;
      }),
    );
    if (!changes.length) this._list.append(element("li", "text-secondary", "Nothing yet."));
  }
}
