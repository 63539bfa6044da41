// The studio of one project: everything on the page tied together.

import { ask } from "../ask.js";
import { isolated } from "../bidi.js";
import { Notices } from "../live/notices.js";
import { Api, Refusal, settingsOf } from "./api.js";
import { Editors } from "./editors.js";
import { ExportsPanel } from "./exports-panel.js";
import { HistoryPanel } from "./history-panel.js";
import { JobView } from "./job-view.js";
import { LinesView } from "./lines-view.js";
import { once } from "./once.js";
import { ProjectPanel } from "./project-panel.js";
import { Reader } from "./reader.js";
import { SpeakersPanel } from "./speakers-panel.js";
import { bindKeys } from "./studio-keys.js";
import { Timeline } from "./timeline.js";
import { Transport } from "./transport.js";
import { fieldNames, speakerName } from "./words.js";

const $ = (id) => document.getElementById(id);
/** While lines are being spoken they are read again as they come; of more than so many only at the end. */
const WATCHED_LINES_MAX = 1000;
/** Of so many changes at once the lines are read one by one; of more, all. */
const CHANGES_READ_MAX = 10;

class Studio {
  constructor() {
    this.page = settingsOf("page-settings");
    this.api = new Api(this.page.csrf);
    this.ask = ask;
    this.leaving = false;
    this._notices = new Notices($("notices"), $("announcer"));
    this._reader = new Reader(this.api, this.page, {
      changed: () => this._render(),
      lineChanged: (number) => this._lineRead(number),
      failed: (error) => this._tell(error),
    });
    this.lines = this._reader.lines;
    this.timeline = new Timeline($("timeline"), this.lines, {
      seek: (atS) => this.transport.seek(atS),
      open: (number) => this._openLine(number),
      wanted: (numbers) => this._reader.want("timeline", numbers),
    });
    this.transport = new Transport(this.page.project, {
      timeline: this.timeline,
      say: (text, tone) => this.say(text, tone),
      at: (atS) => this.list.setHeard(atS === null ? null : (this.lines.at(atS)?.number ?? null)),
    });
    this.list = new LinesView($("lines"), this.lines, {
      open: (number) => this.editors.toggle(number),
      choose: (number) => this.chosen(number),
      play: (number) => this.transport.playFrom(this.lines.get(number)),
      wanted: (numbers) => this._reader.want("list", numbers),
      marks: this.page.marks,
      languages: this.page.languages,
    });
    this.editors = new Editors(this, this.list);
    this._speakersPanel = new SpeakersPanel(this, $("speakers"), $("speaker-template"));
    this._exports = new ExportsPanel(this, $("exports-panel"));
    this._history = new HistoryPanel(this, $("changes"));
    this._job = new JobView(this, $("job"));
    new ProjectPanel(this);
    $("filter").addEventListener("change", () => this.list.filter($("filter").value));
    $("undo")?.addEventListener("click", () => this.undo());
    $("redub")?.addEventListener("click", () => this.dub());
    $("check")?.addEventListener("click", () => this._start("check"));
    $("add-line")?.addEventListener("click", () => once($("add-line"), () => this._addLine()));
    bindKeys(this);
  }

  async start() {
    try {
      const [job] = (await this.api.get(`/api/jobs?project=${this.page.project.split("/").at(-1)}&kind=dub&kind=redub&kind=original&kind=check&limit=1`)).results;
      await this._readAll();
      if (job && job.state !== "done") this._job.follow(job);
      this._render();
      await this._reader.readVoices();
    } catch (error) {
      this._tell(error);
    }
    await this._history.look();
    document.documentElement.classList.add("page-ready");
  }

  // What the parts of the page ask of it ------------------------------------------------

  speakers() {
    return this._reader.speakers;
  }

  voices() {
    return this._reader.voices;
  }

  /** @param {string} text @param {string} [tone] */
  say(text, tone = "info") {
    this._notices.say({ text, tone }, "studio");
  }

  /** @param {string} text for screen readers */
  announce(text) {
    this._notices.announce(text);
  }

  close() {
    this.editors.close();
  }

  /** @param {number} number @param {boolean} dirty */
  dirty(number, dirty) {
    this.editors.dirty(number, dirty);
  }

  /** @param {any} line */
  play(line) {
    this.transport.playLine(line);
  }

  /** @param {number} number of the line that is looked at */
  chosen(number) {
    this.timeline.choose(this.lines.get(number));
  }

  /** One line with its tag. @param {number} number */
  async readLine(number) {
    const answer = await this.api.ask("GET", `${this.page.project}/lines/${number}`);
    const before = this.lines.rows;
    this.lines.put(answer.body);
    if (this.lines.rows === before) this._lineRead(number);
    else this._render();
    return answer;
  }

  /** A line is another one now. @param {any} line @param {string[]} fields that were changed */
  changed(line, fields) {
    const beside = this.lines.neighbours(line.number);
    this.lines.put(line);
    // Whether a line has room depends on where the next one begins; and a new speaker is a row.
    if (fields.includes("start_s") || fields.includes("end_s")) this._readAround([line.number, ...beside]);
    if (line.speaker && !this.speakers().some((one) => one.label === line.speaker)) this.speakersChanged(false);
    this._render();
    this._history.look();
  }

  /** @param {boolean} voice whether their lines are stale by it */
  speakersChanged(voice) {
    return this._reader.again("speakers", async () => {
      await this._reader.readSpeakers();
      if (voice) await this._reader.readLines();
      this._render();
      this._history.look();
    });
  }

  /** @param {any[]} changes made by others, newest first */
  othersChanged(changes) {
    this.say(`Somebody else has changed ${changes.length === 1 ? this._nameOf(changes[0]) : `${changes.length} things`} meanwhile; it is shown as it is now.`);
    return this._reader.again("others", async () => {
      await this._reader.readSpeakers();
      await this._readChanged(changes);
    });
  }

  /** @param {number} number of a line that is gone */
  removed(number) {
    const beside = this.lines.neighbours(number);
    this.editors.removed(number);
    this.lines.remove(number);
    this.say("The line is deleted.");
    this._readAround(beside);
  }

  /** @param {any} job */
  followJob(job) {
    this._job.follow(job);
    this.jobChanged(job, true);
  }

  /** @param {any} job @param {boolean} anew whether another step has begun, or the job has ended */
  jobChanged(job, anew) {
    this._render();
    if (job.state === "done") {
      this.say({ check: "The dub was listened to." }[job.kind] ?? "The dub is ready.");
      this._reader.again("all", () => this._readAll());
    } else if (anew || (job.step === "speak" && this.lines.rows.length < WATCHED_LINES_MAX)) this._reader.again("lines", () => this._reader.readLines());
  }

  // What the person does ----------------------------------------------------------------

  async undo() {
    try {
      const change = await this.api.post(`${this.page.project}/undo`);
      await this._reader.readSpeakers();
      await this._readChanged([change]);
      if (change.line !== null) await this.editors.refresh(change.line);
      this.say(`Taken back: ${this._nameOf(change)}, ${fieldNames(Object.keys(change.before))}.`);
      await this._history.look();
    } catch (error) {
      this._tell(error);
    }
  }

  async dub() {
    if (this.editors.unkept && !(await ask("Some edits are not kept yet and would not be spoken. Dub without them?", "Dub without them", "btn-primary"))) return;
    await this._start("dub");
  }

  /** @param {string} what a job of the project */
  async _start(what) {
    try {
      this.followJob(await this.api.post(`${this.page.project}/${what}`));
    } catch (error) {
      this._tell(error);
    }
  }

  async _addLine() {
    const start_s = Math.round(this.transport.player.atS * 100) / 100;
    try {
      const made = await this.api.create(`${this.page.project}/lines`, { start_s, end_s: start_s + 2 });
      this.lines.put(made);
      await this._reader.readAround([made.number]);
      await this._openLine(made.number);
    } catch (error) {
      this._tell(error);
    }
  }

  /** Wherever it is, also where the filter would not show it. @param {number} number */
  async _openLine(number) {
    $("filter").value = "";
    this.list.filter("");
    await this.editors.open(number);
  }

  // Reading and showing -----------------------------------------------------------------

  async _readAll() {
    await this._reader.readAll();
    const { project } = this._reader;
    const { has_original, has_dub, updated_at, media } = project;
    const { player } = this.transport;
    player.load({ original: has_original, dub: has_dub, picture: Boolean(media?.has_video) }, updated_at);
    if (has_dub && !this._hadDub && !player.playing) player.choose("dub");
    this._hadDub = has_dub;
    // What was dubbed before dubs had a waveform has none; asking for it would be a fault.
    const there = { original: this.page.waveforms.original || media !== null, dub: has_dub && (this.page.waveforms.dub || this._job.job?.state === "done") };
    for (const track of ["original", "dub"])
      if (there[track]) this.timeline.setWave(track, await this.api.get(`${this.page.project}/waveform?track=${track}`));
    await this._exports.load();
    this._render();
  }

  /** @param {number[]} numbers */
  _readAround(numbers) {
    return this._reader.again(`around ${numbers}`, () => this._reader.readAround(numbers));
  }

  /** What changes have touched. @param {any[]} changes */
  async _readChanged(changes) {
    const numbers = [...new Set(changes.map((one) => one.line).filter((number) => number !== null))];
    const voices = changes.some((one) => one.line === null && "voice" in one.after);
    if (voices || numbers.length > CHANGES_READ_MAX) await this._reader.readLines();
    else await this._reader.readAround(numbers);
  }

  /** @param {number} number of a line that has come */
  _lineRead(number) {
    this.list.showLine(number);
    this.timeline.redraw();
  }

  _render() {
    const { project, speakers, voices } = this._reader;
    const { rows } = this.lines;
    this.list.show(speakers);
    this.timeline.setLines(project?.media?.duration_s ?? 0);
    this._speakersPanel.show(speakers, voices, rows);
    const stale = rows.reduce((sum, row) => sum + (row.state === "stale" ? 1 : 0), 0);
    const busy = this._job.underWay;
    $("lines-count").textContent = `${rows.length} line${rows.length === 1 ? "" : "s"}${stale ? `, ${stale} stale` : ""}`;
    $("no-lines").hidden = rows.length > 0;
    if ($("redub")) {
      $("redub").disabled = busy || !rows.length || !project?.has_original;
      $("redub").querySelector("[data-label]").textContent = stale ? `Dub ${stale} stale line${stale === 1 ? "" : "s"}` : "Mix again";
      $("check").disabled = busy || !project?.has_dub;
    }
    $("original-card").hidden = !this.page.editable || busy || project === null || project.has_original || project.origin !== "session";
    this._exports.offer({ dub: Boolean(project?.has_dub), picture: Boolean(project?.media?.has_video) });
    this.transport.durationS = project?.media?.duration_s ?? 0;
    this.transport.render();
  }

  /** @param {any} change */
  _nameOf(change) {
    return change.line !== null ? `line ${change.line + 1}` : isolated(speakerName(change.speaker, this.speakers()));
  }

  _tell(error) {
    if (!(error instanceof Refusal)) throw error;
    this.say(error.message, "danger");
  }
}

globalThis.studio = new Studio();
globalThis.studio.start();
