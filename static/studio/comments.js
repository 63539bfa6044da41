// What people say about a line.

import { Refusal } from "./api.js";
import { once } from "./once.js";
import { element, personName, whenSaid } from "./words.js";

export class Comments {
  /** @param {any} studio @param {HTMLElement} place @param {string} line address of the line */
  constructor(studio, place, line) {
    this._studio = studio;
    this._address = `${line}/comments`;
    this._list = place.querySelector("ul");
    this._text = place.querySelector("textarea");
    this._text.id = `comment-${line.split("/").at(-1)}`;
    place.querySelector("label").htmlFor = this._text.id;
    const button = place.querySelector("button");
    button.addEventListener("click", () => once(button, () => this.add()));
    // What is typed here is no edit of the line.
    this._text.addEventListener("input", (event) => event.stopPropagation());
    this.load();
  }

  async load() {
    try {
      const comments = await this._studio.api.all(this._address);
      this._list.replaceChildren(...comments.map((one) => this._item(one)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
  }

  async add() {
    const text = this._text.value.trim();
    if (!text) return this._text.focus();
    try {
      const made = await this._studio.api.create(this._address, { text });
      this._list.append(this._item(made));
      this._text.value = "";
      this._studio.say("The comment is there.");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
  }

  /** @param {any} comment */
  _item(comment) {
    const item = element("li", "comment");
    const about = element("span", "comment-about");
    const time = element("time", "", whenSaid(comment.at));
    time.dateTime = comment.at;
    const mine = comment.by === this._studio.page.user;
    about.append(element("bdi", "", personName(comment.by, this._studio.page)), ", ", time);
    const said = element("p", "", comment.text);
    said.dir = "auto";
    item.append(about, said);
    if (mine || this._studio.page.own) {
      const gone = element("button", "btn btn-sm btn-link", "Delete");
      gone.type = "button";
      gone.setAttribute("aria-label", "Delete this comment");
      gone.addEventListener("click", async () => {
        try {
          await this._studio.api.ask("DELETE", `${this._address}/${comment.id}`);
          item.remove();
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          this._studio.say(error.message, "danger");
        }
      });
      about.append(" ", gone);
    }
    return item;
  }
}
