// The studio of one project: everything on the page tied together.

import { ask } from "../ask.js";
import { listenToKeys } from "../live/shortcuts.js";
import { Notices } from "../live/notices.js";
import { Api, Refusal, settingsOf } from "./api.js";
import { ExportsPanel } from "./exports-panel.js";
import { HistoryPanel } from "./history-panel.js";
import { JobView } from "./job-view.js";
import { LineEditor } from "./line-editor.js";
import { LinesView } from "./lines-view.js";
import { MODES, Player } from "./player.js";
import { ProjectPanel } from "./project-panel.js";
import { SpeakersPanel } from "./speakers-panel.js";
import { Timeline } from "./timeline.js";
import { clock, fieldNames, speakerName } from "./words.js";

const $ = (id) => document.getElementById(id);
/** While lines are being spoken they are read again as they come; of more than so many only at the end. */
const WATCHED_LINES_MAX = 1000;

class Studio {
  constructor() {
    this.page = settingsOf("page-settings");
    this.api = new Api(this.page.csrf);
    this.ask = ask;
    this.leaving = false;
    this._notices = new Notices($("notices"), $("announcer"));
    this._project = null;
    this._lines = [];
    this._speakers = [];
    this._voices = [];
    /** @type {Map<number, LineEditor>} those with an edit that is not kept, and the open one */
    this._editors = new Map();
    this._open = null;
    this._player = new Player({ original: $("original"), dub: $("dub"), both: $("both") }, this.page.project);
    this._timeline = new Timeline($("timeline"), {
      seek: (atS) => this._seek(atS),
      open: (number) => this.openLine(number),
    });
    this._list = new LinesView($("lines"), {
      open: (number) => (this._open === number ? this.close() : this.openLine(number)),
      choose: (number) => this._timeline.choose(this._line(number)),
      play: (number) => this._playLine(number),
      marks: this.page.marks,
      languages: this.page.languages,
    });
    this._speakersPanel = new SpeakersPanel(this, $("speakers"), $("speaker-template"));
    this._exports = new ExportsPanel(this, $("exports-panel"));
    this._history = new HistoryPanel(this, $("changes"));
    this._job = new JobView(this, $("job"));
    new ProjectPanel(this);
    this._bind();
  }

  async start() {
    try {
      const [job] = (await this.api.get(`/api/jobs?project=${this.page.project.split("/").at(-1)}&kind=dub&kind=redub&kind=original&kind=check&limit=1`)).results;
      await this._readAll();
      if (job && job.state !== "done") this._job.follow(job);
      this._render();
      await this._readVoices();
    } catch (error) {
      this._tell(error);
    }
    await this._history.look();
    document.documentElement.classList.add("page-ready");
  }

  // What the parts of the page ask of it ------------------------------------------------

  speakers() {
    return this._speakers;
  }

  voices() {
    return this._voices;
  }

  /** @param {string} text @param {string} [tone] */
  say(text, tone = "info") {
    this._notices.say({ text, tone }, "studio");
  }

  /** @param {string} text for screen readers */
  announce(text) {
    this._notices.announce(text);
  }

  /** A line is another one now. @param {any} line @param {string[]} fields that were changed */
  changed(line, fields) {
    this._put(line);
    // Whether a line has room depends on where the next one begins; and a new speaker is a row.
    if (fields.includes("start_s") || fields.includes("end_s")) this._again(() => this._readLines());
    if (line.speaker && !this._speakers.some((one) => one.label === line.speaker)) this._again(() => this.speakersChanged(false));
    this._render();
    this._history.look();
  }

  /** @param {boolean} voice whether their lines are stale by it */
  async speakersChanged(voice) {
    this._speakers = await this.api.all(`${this.page.project}/speakers`);
    if (voice) await this._readLines();
    this._render();
    this._history.look();
  }

  /** @param {any[]} changes made by others, newest first */
  async othersChanged(changes) {
    this.say(`Somebody else has changed ${changes.length === 1 ? this._nameOf(changes[0]) : `${changes.length} things`} meanwhile; it is shown as it is now.`);
    await this._again(async () => {
      this._speakers = await this.api.all(`${this.page.project}/speakers`);
      await this._readLines();
      this._render();
    });
  }

  /** @param {number} number @param {boolean} dirty */
  dirty(number, dirty) {
    if (dirty === this._list.unkept.has(number)) return;
    if (dirty) this._list.unkept.add(number);
    else this._list.unkept.delete(number);
    const line = this._line(number);
    if (line) this._list.showLine(line);
  }

  /** @param {number} number of a line that is gone */
  removed(number) {
    this._list.unkept.delete(number);
    this._editors.delete(number);
    if (this._open === number) this._open = null;
    this._lines = this._lines.filter((line) => line.number !== number);
    this.say("The line is deleted.");
    this._again(() => this._readLines());
  }

  /** The line's own sound, whatever the mix has. @param {any} line */
  play(line) {
    if (!line.sound) return this.say("The line has not been spoken yet.", "warning");
    const sound = $("line-sound");
    this._player.pause();
    sound.src = `${this.page.project}/lines/${line.number}/audio?of=${line.sound.digest}`;
    sound.play().catch(() => this.say("This browser cannot play the line.", "warning"));
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
      this._again(() => this._readAll());
      this._exports.load();
    } else if (anew || (job.step === "speak" && this._lines.length < WATCHED_LINES_MAX)) this._again(() => this._readLines());
  }

  // Lines -------------------------------------------------------------------------------

  /** @param {number} number */
  async openLine(number) {
    const item = this._list.itemOf(number);
    if (!item) return;
    if (this._open !== null && this._open !== number) this.close(false);
    let editor = this._editors.get(number);
    try {
      const { body, tag } = await this.api.ask("GET", `${this.page.project}/lines/${number}`);
      this._put(body);
      if (editor) editor.refresh(body, tag);
      else editor = new LineEditor(this, body, tag);
    } catch (error) {
      if (!editor) return this._tell(error);
    }
    this._editors.set(number, editor);
    this._open = number;
    item.append(editor.form);
    this._list.setOpen(number, true);
    this._timeline.choose(this._line(number));
    item.scrollIntoView({ block: "nearest" });
    editor.focus();
  }

  /** What was typed and not kept stays with its line. @param {boolean} [focus] */
  close(focus = true) {
    const number = this._open;
    if (number === null) return;
    const editor = this._editors.get(number);
    if (focus) this._list.focus(number);
    editor.form.remove();
    this._list.setOpen(number, false);
    this._open = null;
    if (editor.dirty) this.say(`What you typed in line ${number + 1} is not kept yet; open it again to go on.`, "warning");
    else this._editors.delete(number);
  }

  async undo() {
    try {
      const change = await this.api.post(`${this.page.project}/undo`);
      this._speakers = await this.api.all(`${this.page.project}/speakers`);
      await this._readLines();
      const editor = change.line === null ? undefined : this._editors.get(change.line);
      if (editor) {
        const { body, tag } = await this.api.ask("GET", `${this.page.project}/lines/${change.line}`);
        editor.refresh(body, tag);
      }
      this._render();
      this.say(`Taken back: ${this._nameOf(change)}, ${fieldNames(Object.keys(change.before))}.`);
      await this._history.look();
    } catch (error) {
      this._tell(error);
    }
  }

  async dub() {
    if (this._list.unkept.size && !(await ask("Some edits are not kept yet and would not be spoken. Dub without them?", "Dub without them", "btn-primary"))) return;
    try {
      this.followJob(await this.api.post(`${this.page.project}/dub`));
    } catch (error) {
      this._tell(error);
    }
  }

  async check() {
    try {
      this.followJob(await this.api.post(`${this.page.project}/check`));
    } catch (error) {
      this._tell(error);
    }
  }

  async addLine() {
    const start_s = Math.round(this._player.atS * 100) / 100;
    try {
      const made = await this.api.create(`${this.page.project}/lines`, { start_s, end_s: start_s + 2 });
      await this._readLines();
      await this.openLine(made.number);
    } catch (error) {
      this._tell(error);
    }
  }

  // Reading -----------------------------------------------------------------------------

  async _readAll() {
    this._project = await this.api.get(this.page.project);
    this._speakers = await this.api.all(`${this.page.project}/speakers`);
    await this._readLines();
    const { has_original, has_dub, updated_at, media } = this._project;
    this._player.load({ original: has_original, dub: has_dub, picture: Boolean(media?.has_video) }, updated_at);
    if (has_dub && !this._hadDub && !this._player.playing) this._player.choose("dub");
    this._hadDub = has_dub;
    // What was dubbed before dubs had a waveform has none; asking for it would be a fault.
    const there = { original: this.page.waveforms.original || this._project.media !== null, dub: this.page.waveforms.dub || this._job.job?.state === "done" };
    for (const track of ["original", "dub"])
      if (there[track] && (track === "original" || has_dub)) this._timeline.setWave(track, await this.api.get(`${this.page.project}/waveform?track=${track}`));
    await this._exports.load();
    this._render();
  }

  async _readLines() {
    this._lines = await this.api.all(`${this.page.project}/lines`);
    this._render();
  }

  async _readVoices() {
    try {
      const { voices } = await this.api.get(`/api/voices?language=${this.page.languages.target}`);
      this._voices = voices.filter((one) => one.whose === "stock");
    } catch (error) {
      this._tell(error);
    }
    this._render();
  }

  /** One reading at a time; what is asked for meanwhile is read once afterwards. @param {() => Promise<void>} read */
  async _again(read) {
    this._next = read;
    if (this._reading) return;
    this._reading = true;
    try {
      while (this._next) {
        const now = this._next;
        this._next = null;
        await now();
      }
    } catch (error) {
      this._tell(error);
    } finally {
      this._reading = false;
    }
  }

  // Showing -----------------------------------------------------------------------------

  _render() {
    const lines = this._lines;
    this._list.show(lines, this._speakers);
    this._timeline.setLines(lines, this._project?.media?.duration_s ?? 0);
    this._speakersPanel.show(this._speakers, this._voices, lines);
    const stale = lines.filter((line) => line.state === "stale").length;
    const busy = this._job.underWay;
    $("lines-count").textContent = `${lines.length} line${lines.length === 1 ? "" : "s"}${stale ? `, ${stale} stale` : ""}`;
    $("no-lines").hidden = lines.length > 0;
    if ($("redub")) {
      $("redub").disabled = busy || !lines.length || !this._project?.has_original;
      $("redub").querySelector("[data-label]").textContent = stale ? `Dub ${stale} stale line${stale === 1 ? "" : "s"}` : "Mix again";
      $("check").disabled = busy || !this._project?.has_dub;
    }
    $("original-card").hidden = !this.page.editable || busy || this._project === null || this._project.has_original || this._project.origin !== "session";
    this._exports.offer({ dub: Boolean(this._project?.has_dub), picture: Boolean(this._project?.media?.has_video) });
    this._renderTransport();
  }

  _renderTransport() {
    const { there = {}, mode, playing, atS } = this._player;
    $("play").disabled = !there[mode];
    $("play").querySelector("[data-label]").textContent = playing ? "Stop" : "Play";
    $("play").dataset.playing = String(playing);
    for (const one of MODES) {
      $(`hear-${one}`).disabled = !there[one];
      $(`hear-${one}`).checked = one === mode && Boolean(there[one]);
    }
    $("at").textContent = clock(atS, true);
    $("place").hidden = !Object.values(there).some(Boolean);
    if (this._project?.media) $("place").max = String(this._project.media.duration_s);
    $("place").value = String(atS);
    $("place").setAttribute("aria-valuetext", clock(atS, true));
    this._timeline.setPlace(atS, playing);
    const heard = playing ? this._lines.find((line) => line.start_s <= atS && atS < line.end_s) : null;
    this._list.setHeard(heard?.number ?? null);
  }

  _line(number) {
    return this._lines.find((line) => line.number === number) ?? null;
  }

  /** @param {any} line in the place of what it was */
  _put(line) {
    this._lines = this._lines.map((one) => (one.number === line.number ? line : one));
    this._list.lines = this._lines;
    this._list.showLine(line);
  }

  /** @param {any} change */
  _nameOf(change) {
    return change.line !== null ? `line ${change.line + 1}` : speakerName(change.speaker, this._speakers);
  }

  _tell(error) {
    if (!(error instanceof Refusal)) throw error;
    this.say(error.message, "danger");
  }

  // What the person does ----------------------------------------------------------------

  _seek(atS) {
    this._player.seek(atS);
    this._renderTransport();
  }

  _playLine(number) {
    const line = this._line(number);
    if (this._player.playing) this._player.pause();
    else if (line) this._player.play(line.start_s);
  }

  _toggle() {
    if (this._player.playing) this._player.pause();
    else this._player.play();
  }

  _bind() {
    const player = this._player;
    for (const name of ["change", "tick"]) player.addEventListener(name, () => this._renderTransport());
    player.addEventListener("unplayable", () => this.say(`This browser cannot play the ${player.mode === "original" ? "original’s format; dub and mix can be heard" : "track"}.`, "warning"));
    $("play").addEventListener("click", () => this._toggle());
    $("place").addEventListener("input", () => this._seek(Number($("place").value)));
    for (const mode of MODES) $(`hear-${mode}`).addEventListener("change", () => player.choose(mode));
    $("zoom-in").addEventListener("click", () => this._timeline.zoom(1.6));
    $("zoom-out").addEventListener("click", () => this._timeline.zoom(1 / 1.6));
    $("filter").addEventListener("change", () => this._list.filter($("filter").value));
    $("undo")?.addEventListener("click", () => this.undo());
    $("redub")?.addEventListener("click", () => this.dub());
    $("check")?.addEventListener("click", () => this.check());
    $("add-line")?.addEventListener("click", () => this.addLine());
    $("show-shortcuts").addEventListener("click", () => $("shortcuts").showModal());
    addEventListener("beforeunload", (event) => {
      if (this._list.unkept.size && !this.leaving) event.preventDefault();
    });
    this._bindKeys();
  }

  _bindKeys() {
    const edits = this.page.editable;
    listenToKeys(
      {
        " ": () => this._toggle(),
        o: () => this._player.choose("original"),
        d: () => this._player.choose("dub"),
        b: () => this._player.choose("both"),
        "+": () => this._timeline.zoom(1.6),
        "-": () => this._timeline.zoom(1 / 1.6),
        r: () => edits && !$("redub").disabled && this.dub(),
        "?": () => $("shortcuts").showModal(),
        ArrowDown: () => this._list.focus(this._list.current),
        ArrowUp: () => this._list.focus(this._list.current),
      },
      () => !document.querySelector("dialog[open]"),
    );
    document.addEventListener("keydown", (event) => {
      if (event.isComposing || document.querySelector("dialog[open]")) return;
      const held = event.ctrlKey || event.metaKey;
      const editor = this._open === null ? null : this._editors.get(this._open);
      const inEditor = editor?.form.contains(event.target);
      if (held && event.key === "Enter" && inEditor) {
        event.preventDefault();
        editor.save();
      } else if (event.key === "Escape" && inEditor) {
        event.preventDefault();
        this.close();
      } else if (held && !event.shiftKey && event.key.toLowerCase() === "z" && edits) {
        // What is being typed is taken back by the browser itself.
        if (event.target.closest("textarea, input:not([type=range]):not([type=radio])") && (!inEditor || editor.dirty)) return;
        event.preventDefault();
        this.undo();
      }
    });
  }
}

globalThis.studio = new Studio();
globalThis.studio.start();
