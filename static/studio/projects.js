// The list of projects: a new one is made here, and those being dubbed are followed.

import { Notices } from "../live/notices.js";
import { offer, preferred } from "../offering.js";
import { Api, Refusal, settingsOf } from "./api.js";
import { follow, isUnderWay } from "./job-follower.js";
import { lineOf } from "./progress-view.js";
import { Upload } from "./upload.js";

const page = settingsOf("page-settings");
const api = new Api(page.csrf);
const $ = (id) => document.getElementById(id);
/** A browser keeps six connections to a server; the page needs some of them itself. */
const FOLLOWED_MAX = 3;

class NewProject {
  constructor() {
    this.form = $("new-project-form");
    this.notices = new Notices($("notices"), $("announcer"));
    /** @type {Upload | null} */
    this.upload = null;
    this.busy = false;
    const names = (codes) => [...new Set(codes)].map((code) => [code, page.languages[code] ?? code]).sort((a, b) => a[1].localeCompare(b[1]));
    const targets = (chosen) => {
      const fitting = page.pairs.filter(([from]) => $("source").value === "auto" || from === $("source").value).map(([, to]) => to);
      offer($("target"), names(fitting), chosen || preferred(fitting));
    };
    offer($("source"), [["auto", "Find out"], ...names(page.pairs.map(([from]) => from))], "auto");
    targets("");
    $("source").addEventListener("change", () => targets($("target").value));
    this.form.addEventListener("change", (event) => event.target.name === "from" && this.showFrom());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.busy) this.create();
    });
    $("pause-upload").addEventListener("click", () => this.upload?.pause());
    addEventListener("beforeunload", (event) => {
      if (this.upload) event.preventDefault();
    });
    if (page.problem) this.notices.say({ text: page.problem, tone: "warning" }, "problem");
    this.showFrom();
  }

  get from() {
    return new FormData(this.form).get("from");
  }

  showFrom() {
    for (const part of this.form.querySelectorAll("[data-from]")) part.hidden = part.dataset.from !== this.from;
  }

  async create() {
    const wrong = this.wrong();
    if (wrong) return this.refuse(wrong.field, wrong.text);
    this.notices.clear();
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    this.setBusy(true);
    try {
      const wish = await this.wish();
      if (this.from === "file") wish.upload = await this.send($("media").files[0]);
      const made = await api.create("/api/projects", wish);
      this.upload?.forget();
      this.upload = null;
      location.assign(`/projects/${made.id}`);
    } catch (error) {
      this.setBusy(false);
      if (error instanceof Refusal) this.notices.say({ text: error.message, tone: "danger" }, "new");
      else if (error.name === "AbortError")
        this.notices.say({ text: "Paused. What has come is kept for a day: press “Go on”, or choose the same file again later." }, "new");
      else throw error;
      if (error.name === "AbortError") $("create").querySelector("[data-label]").textContent = "Go on";
    }
  }

  /** What has to be put right first. @returns {{field: string, text: string} | null} */
  wrong() {
    const file = $("media").files[0];
    if (this.from === "file") {
      if (!file) return { field: "media", text: "Choose an audio or video file." };
      if (!file.size) return { field: "media", text: "This file is empty; choose another one." };
      if (file.size > page.mediaMaxBytes) return { field: "media", text: "This file is too large; cut it in parts." };
    } else if (!/^https:\/\/\S+\.\S+/.test($("url").value.trim())) return { field: "url", text: "Give an address that begins with https://." };
    if (!$("target").value) return { field: "target", text: "Choose a language to dub into." };
    for (const id of ["source-subtitles", "target-subtitles"])
      if (($(id).files[0]?.size ?? 0) > page.subtitlesMaxBytes) return { field: id, text: "These subtitles are too large; are they SRT or WebVTT?" };
    return null;
  }

  refuse(field, text) {
    $(field).closest("details:not([open])")?.setAttribute("open", "");
    $(field).setAttribute("aria-invalid", "true");
    $(field).focus();
    this.notices.say({ text, tone: "danger" }, "new");
  }

  async wish() {
    const wish = {
      source_language: $("source").value,
      target_language: $("target").value,
      title: $("title").value.trim(),
      preserve_voice: $("preserve-voice").checked,
      source_subtitles: (await $("source-subtitles").files[0]?.text()) ?? "",
      target_subtitles: (await $("target-subtitles").files[0]?.text()) ?? "",
    };
    if ($("team")?.value) wish.team = Number($("team").value);
    if (this.from === "url") wish.url = $("url").value.trim();
    return wish;
  }

  /** @param {File} file */
  async send(file) {
    const megabytes = (bytes) => (bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0);
    $("sending").hidden = $("pause-upload").hidden = false;
    this.upload = new Upload(api, file, (share) => {
      $("sent").value = share;
      $("sent-words").textContent = `Sent ${megabytes(share * file.size)} of ${megabytes(file.size)} MB`;
    });
    try {
      return await this.upload.send();
    } catch (error) {
      this.upload = null;
      throw error;
    } finally {
      $("pause-upload").hidden = true;
    }
  }

  setBusy(busy) {
    this.busy = busy;
    $("create").disabled = busy;
    $("create").querySelector("[data-label]").textContent = busy ? "Sending…" : "Dub it";
    if (!busy) $("sending").hidden = true;
  }
}

/** @param {HTMLElement} row of a project that is being dubbed */
function followRow(row) {
  follow(api, { id: row.dataset.job }, (job) => {
    const place = row.querySelector(".project-step");
    const badge = row.querySelector("[data-state]");
    if (!isUnderWay(job)) {
      const [words, look] = { done: ["Ready", "badge-good"], failed: ["Failed", "badge-bad"] }[job.state] ?? ["Stopped", "badge-warn"];
      badge.textContent = words;
      badge.className = `badge ${look}`;
      place?.remove();
      return;
    }
    const running = job.steps.find((one) => one.state === "running");
    place.querySelector("[data-step]").textContent = lineOf(job, page.steps);
    const bar = place.querySelector("progress");
    bar.max = running?.parts || 1;
    bar.value = running?.done ?? 0;
  });
}

new NewProject();
for (const row of [...document.querySelectorAll("[data-job]")].slice(0, FOLLOWED_MAX)) followRow(row);
document.documentElement.classList.add("page-ready");
