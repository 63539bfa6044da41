// The job of a project that is under way, or that did not end well.

import { Refusal } from "./api.js";
import { follow, isUnderWay } from "./job-follower.js";
import { lineOf, showSteps } from "./progress-view.js";

const TITLES = {
  dub: "Being dubbed",
  redub: "What has changed is dubbed",
  original: "The original is taken in",
  check: "The dub is listened to",
};

export class JobView {
  /** @param {any} studio @param {HTMLElement} card */
  constructor(studio, card) {
    this._studio = studio;
    this._card = card;
    this._part = (name) => card.querySelector(`[data-part="${name}"]`);
    this._part("cancel").addEventListener("click", () => this._act("cancel"));
    this._part("retry").addEventListener("click", () => this._act("retry"));
    this._stop = () => {};
    /** @type {any} */
    this.job = null;
    this._said = "";
  }

  get underWay() {
    return this.job !== null && isUnderWay(this.job);
  }

  /** @param {any} job shown until it has ended well */
  follow(job) {
    this._stop();
    this._show(job);
    if (!isUnderWay(job)) return;
    this._stop = follow(this._studio.api, job, (now) => {
      const step = this.job?.step;
      this._show(now);
      this._studio.jobChanged(now, step !== now.step);
    });
  }

  _show(job) {
    this.job = job;
    const running = isUnderWay(job);
    this._card.hidden = job.state === "done";
    this._card.dataset.state = job.state;
    this._part("title").textContent = { failed: "It could not be done", cancelled: "Stopped" }[job.state] ?? TITLES[job.kind] ?? "Under way";
    this._part("problem").textContent = job.state === "cancelled" ? "What was done stays; it can go on from there." : job.problem_text;
    this._part("cancel").hidden = !running || !this._studio.page.editable;
    this._part("retry").hidden = running || !this._studio.page.editable;
    showSteps(this._part("steps"), job, this._studio.page.steps);
    const line = lineOf(job, this._studio.page.steps).replace(/:.*/, "");
    if (running && line !== this._said) this._studio.announce(line);
    this._said = line;
  }

  async _act(name) {
    try {
      const job = await this._studio.api.post(`/api/jobs/${this.job.id}/${name}`);
      this.follow(job);
      this._studio.jobChanged(job, true);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this._studio.say(error.message, "danger");
    }
  }
}
