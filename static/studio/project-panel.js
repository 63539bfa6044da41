// The project as a whole: its title, its team, its end; and its original, where it came from a
// session, whose sound is never kept.

import { isolated } from "../bidi.js";
import { Refusal } from "./api.js";
import { element } from "./words.js";

export class ProjectPanel {
  /** @param {any} studio */
  constructor(studio) {
    this._studio = studio;
    this._title = document.getElementById("project-title");
    this._team = document.getElementById("project-team");
    document.getElementById("project-form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    document.getElementById("delete-project")?.addEventListener("click", () => this.remove());
    document.getElementById("original-form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.addOriginal();
    });
  }

  async save() {
    const { api, page } = this._studio;
    try {
      const { body, tag } = await api.ask("GET", page.project);
      if (body.title !== this._title.defaultValue) {
        this._studio.say(`Somebody else has called it “${isolated(body.title)}” meanwhile. Save again to call it as you do.`, "warning");
        this._title.defaultValue = body.title;
        return;
      }
      const wish = { title: this._title.value.trim() };
      if (this._team) wish.team = this._team.value ? Number(this._team.value) : null;
      const { body: kept } = await api.edit(page.project, wish, tag);
      this._title.defaultValue = kept.title;
      document.getElementById("heading").replaceChildren(element("bdi", "", kept.title || kept.original_name || "Untitled project"));
      this._studio.say("The project is kept.");
    } catch (error) {
      this._tell(error);
    }
  }

  async remove() {
    if (!(await this._studio.ask("Delete this project with its file, its lines and everything made of it? This cannot be undone.", "Delete it"))) return;
    try {
      await this._studio.api.ask("DELETE", this._studio.page.project);
      this._studio.leaving = true;
      location.assign("/projects");
    } catch (error) {
      this._tell(error);
    }
  }

  async addOriginal() {
    const { api, page } = this._studio;
    const file = document.getElementById("original-file").files[0];
    const url = document.getElementById("original-url").value.trim();
    if (Boolean(file) === Boolean(url)) return this._studio.say("Give either a file or an address.", "warning");
    const bar = document.getElementById("original-sent");
    const button = document.querySelector("#original-form button");
    button.disabled = true;
    try {
      let wish = { url };
      const upload = file ? new (await import("./upload.js")).Upload(api, file, (share) => (bar.value = share)) : null;
      if (upload) {
        bar.hidden = false;
        wish = { upload: await upload.send() };
      }
      const job = await api.post(`${page.project}/original`, wish);
      upload?.forget();
      document.getElementById("original-card").hidden = true;
      this._studio.followJob(job);
    } catch (error) {
      this._tell(error);
    } finally {
      button.disabled = false;
      bar.hidden = true;
    }
  }

  _tell(error) {
    if (!(error instanceof Refusal)) throw error;
    this._studio.say(error.message, "danger");
  }
}
