// The live page: what the listener chooses and does, and what is heard and said, tied together.
// Connection, player and codec are those of the extension.

import { Connection } from "/static/dubbing/connection.js";
import { DubSession } from "/static/dubbing/session.js";
import { CaptionsView } from "./captions-view.js";
import { Notices } from "./notices.js";
import { prefer, preferences } from "./preferences.js";
import { Setup } from "./setup.js";
import { listenToKeys } from "./shortcuts.js";
import * as sources from "./sources.js";
import { SoundView } from "./sound-view.js";
import { SpeakersView, lookOf, nameOf } from "./speakers-view.js";
import { SummaryView } from "./summary-view.js";
import { lagText, sayingOf, statusOf } from "./words.js";

const MODULES = new URL("/static/dubbing/", location.origin);
const page = JSON.parse(document.getElementById("page-settings").textContent);
const $ = (id) => document.getElementById(id);

class LivePage {
  constructor() {
    this.notices = new Notices($("notices"), $("status-announcer"));
    this.setup = new Setup($("setup"), page);
    this.speakers = new SpeakersView($("speakers"), $("speaker-template"), {
      setGain: (speaker, gain) => this.dubbing?.setSpeaker(speaker, gain),
      rename: (speaker, name) => this.rename(speaker, name),
    });
    this.speakers.names = { ...page.session?.names };
    this.captions = new CaptionsView($("captions"), $("partial"), $("caption-announcer"), (speaker) => ({
      name: nameOf(speaker, this.speakers.names),
      look: lookOf(speaker),
    }));
    this.sound = new SoundView($("sound"), {
      volumes: (volumes) => this.dubbing?.setVolumes(volumes),
      offset: (seconds) => this.dubbing?.setOffset(seconds),
    });
    this.summary = new SummaryView($("summary"));
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Connection | null} */
    this.link = null;
    /** @type {DubSession | null} */
    this.dubbing = null;
    /** @type {import("./sources.js").Source | null} */
    this.source = null;
    this.busy = false;
    this.dubOn = page.session;
    this.bind();
    this.render();
    if (page.problem) this.notices.say({ text: page.problem, tone: "warning" }, "problem");
  }

  bind() {
    $("connect").addEventListener("click", () => (this.link ? this.disconnect() : this.connect()));
    $("start").addEventListener("click", () => this.startOrStop());
    $("pause").addEventListener("click", () => this.pauseOrGoOn());
    $("again").addEventListener("click", () => this.again());
    $("bypass").addEventListener("click", () => this.toggleOriginalOnly());
    $("show-shortcuts").addEventListener("click", () => $("shortcuts").showModal());
    const options = { "show-source": "showSource", "announce": "announce", "use-shortcuts": "shortcuts" };
    const kept = preferences();
    for (const [id, name] of Object.entries(options)) {
      $(id).checked = kept[name];
      $(id).addEventListener("change", () => {
        prefer({ [name]: $(id).checked });
        this.applyOptions();
      });
    }
    this.applyOptions();
    this.setup.onChange = (asksAnew) => {
      // Another language takes effect at once: what is being said is the last in the old one.
      if (asksAnew && this.running && this.dubbing.view.status !== "stopping") this.askAnew();
      this.render();
    };
    addEventListener("online", () => this.link?.hurry());
    // A page that is left ends its session at once instead of letting it wait for its client.
    addEventListener("pagehide", (event) => event.persisted || this.dubbing?.close() || this.link?.close());
    addEventListener("beforeunload", (event) => {
      if (this.running) event.preventDefault();
    });
    listenToKeys(
      {
        s: () => this.startOrStop(),
        " ": () => this.pauseOrGoOn(),
        r: () => this.again(),
        o: () => this.toggleOriginalOnly(),
        c: () => $("show-source").click(),
        m: () => this.sound.toggleDub(),
        "+": () => this.sound.nudge("dub", 10),
        "-": () => this.sound.nudge("dub", -10),
        "]": () => this.sound.nudge("original", 10),
        "[": () => this.sound.nudge("original", -10),
        ".": () => this.sound.nudge("offset", 0.1),
        ",": () => this.sound.nudge("offset", -0.1),
        "?": () => $("shortcuts").showModal(),
        ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), () => this.speakers.toggleMute(n)])),
      },
      () => preferences().shortcuts,
    );
  }

  applyOptions() {
    const { showSource, announce } = preferences();
    $("captions").classList.toggle("only-target", !showSource);
    this.captions.announces = announce;
  }

  get running() {
    return this.dubbing !== null && this.dubbing.view.status !== "ended";
  }

  // Acting ------------------------------------------------------------------------------

  /** @returns {Connection} */
  connect() {
    if (this.link) return this.link;
    const link = new Connection({
      server: location.origin,
      // On the portal's own pages the login counts.
      ticket: async () => null,
      session: this.dubOn?.id,
      name: "portal",
    });
    this.link = link;
    link.addEventListener("state", () => this.render());
    link.addEventListener("end", ({ detail }) => {
      if (this.link !== link) return;
      this.link = null;
      if (!this.dubbing && detail.code !== "closed") this.say(detail.code, detail.message);
      this.render();
    });
    link.open();
    return link;
  }

  disconnect() {
    if (this.running) this.startOrStop();
    else this.link?.close();
  }

  startOrStop() {
    if (!this.running) {
      this.start();
      return;
    }
    this.source?.element?.pause();
    this.dubbing.stop();
  }

  askAnew() {
    const { request } = this.setup.wish() ?? {};
    // A pause takes it up when it ends.
    if (request && this.dubbing.view.status !== "paused") this.dubbing.restart(request);
  }

  async start() {
    if (this.busy) return;
    const wish = this.setup.wish();
    if (!wish) return;
    this.busy = true;
    this.render();
    this.summary.hide();
    this.notices.clear();
    this.captions.clear();
    this.speakers.clear();
    try {
      // Both need the click that this answers to.
      this.context ??= new AudioContext({ latencyHint: "interactive" });
      await this.context.resume();
      this.source = await this.open(wish);
      await this.dub(this.source, wish.request);
    } catch (error) {
      this.source?.stop();
      this.source = null;
      if (!(error instanceof sources.SourceError)) console.error(error);
      const tone = error.quiet ? "info" : "danger";
      this.notices.say({ text: error.message, tone }, "source");
    }
    this.busy = false;
    this.render();
  }

  /** @param {{kind: string, file: File | null}} wish */
  open({ kind, file }) {
    const element = $("media");
    if (kind === "microphone") return sources.microphone(this.context);
    if (kind === "tab") return sources.tab(this.context);
    if (kind === "file") return sources.file(this.context, element, file);
    return sources.sample(this.context, element, page.sample);
  }

  /** @param {import("./sources.js").Source} source @param {Record<string, unknown>} request */
  async dub(source, request) {
    const link = this.connect();
    const { original, dub, floor, offsetS } = preferences();
    const dubbing = await DubSession.create({
      context: this.context,
      link,
      base: MODULES,
      volumes: { original, dub, floor },
      offsetS,
    });
    this.dubbing = dubbing;
    this.sessionId = link.session;
    this.listen(dubbing, source);
    this.sound.reset({ route: source.route });
    await dubbing.start(source.node, request, { route: source.route });
    source.onEnd(() => dubbing === this.dubbing && dubbing.stop());
    $("media-frame").hidden = !source.element;
    // A file begins when somebody listens: nothing of it is missed.
    if (source.element && dubbing.view.status === "dubbing") await source.element.play();
    this.waitsToPlay = source.element && dubbing.view.status !== "dubbing";
  }

  pauseOrGoOn() {
    if (!this.running) return;
    const element = this.source?.element;
    if (this.dubbing.view.status === "paused") {
      this.waitsToPlay = Boolean(element);
      this.dubbing.resume(this.setup.wish()?.request);
    } else {
      element?.pause();
      this.dubbing.pause();
    }
  }

  again() {
    if (this.dubbing && !this.dubbing.again())
      this.notices.say({ text: "There is no phrase to say again yet.", tone: "info" }, "again");
  }

  toggleOriginalOnly() {
    if (!this.running) return;
    this.dubbing.setVolumes({ bypass: !this.dubbing.view.volumes.bypass });
  }

  /** @param {string} speaker @param {string} name */
  async rename(speaker, name) {
    this.captions.rename();
    const body = new URLSearchParams({ [`name-${speaker}`]: name });
    const answer = await fetch(page.speakersAddress.replace(page.noSession, this.sessionId), {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": page.csrf },
      body,
    });
    if (answer.ok) return;
    const { message } = await answer.json().catch(() => ({ message: "" }));
    this.notices.say({ text: message || "The name could not be kept. Try again.", tone: "warning" }, "rename");
    throw new Error(message);
  }

  // What comes --------------------------------------------------------------------------

  /** @param {DubSession} dubbing @param {import("./sources.js").Source} source */
  listen(dubbing, source) {
    const on = (type, take) =>
      dubbing.addEventListener(type, (event) => dubbing === this.dubbing && take(event.detail));
    on("change", (view) => this.follow(view, source));
    on("line", (line) => {
      const languages = { source: dubbing.view.sourceLanguage, target: dubbing.view.targetLanguage };
      if (line) this.captions.show(line, languages);
      this.captions.showPartial(dubbing.captions.partial, languages.source);
    });
    on("notice", ({ code, message }) => this.say(code, message));
    on("level", (level) => this.sound.level(level));
    on("summary", (summary) => this.summary.take(summary));
    const element = source.element;
    if (!element) return;
    // A jump within a file is another run of the same sound, and what is still said of the
    // place that is left is not heard.
    let jumps = false;
    element.onseeking = () => {
      jumps ||= dubbing.view.status === "dubbing";
      if (jumps) dubbing.hush();
    };
    element.onseeked = () => {
      if (jumps && !["paused", "stopping"].includes(dubbing.view.status)) dubbing.restart();
      jumps = false;
    };
  }

  /** @param {import("/static/dubbing/session.js").View} view @param {import("./sources.js").Source} source */
  follow(view, source) {
    if (view.status === "dubbing" && this.waitsToPlay) {
      this.waitsToPlay = false;
      source.element.play().catch((error) => this.notices.say({ text: error.message, tone: "warning" }, "play"));
    }
    if (view.speakers.length) this.speakers.show(view.speakers);
    if (view.silent !== this.wasSilent) {
      this.wasSilent = view.silent;
      const paused = source.element?.paused;
      if (view.silent && !paused && view.status === "dubbing") this.say("silent", "");
      else this.notices.take("silent");
    }
    if (view.status === "ended") this.end(view, source);
    this.render();
  }

  /** @param {import("/static/dubbing/session.js").View} view @param {import("./sources.js").Source} source */
  end(view, source) {
    source.stop();
    this.source = null;
    $("media-frame").hidden = true;
    this.captions.showPartial("", "");
    if (view.trouble) this.say(view.trouble.code, view.trouble.message);
    this.dubbing.player.close();
    if (view.counts.lines) this.summary.show(this.sessionId, view, page);
  }

  /** @param {string} code @param {string} message */
  say(code, message) {
    if (code === "resumed" || code === "began_anew") for (const gone of ["unreachable", "overloaded", "database_away"]) this.notices.take(gone);
    const said = sayingOf(code, message);
    if (said) this.notices.say(said, code);
  }

  // Showing -----------------------------------------------------------------------------

  render() {
    const view = this.running ? this.dubbing.view : null;
    const connection = this.link?.state ?? "new";
    const status = statusOf(view, connection);
    const live = $("live");
    live.dataset.status = view?.status ?? (connection === "open" ? "connected" : connection === "new" ? "idle" : connection);
    if ($("status").textContent !== status) {
      $("status").textContent = status;
      this.notices.announce(status);
    }
    const lag = view?.lagS ?? null;
    $("lag").textContent = lagText(lag);
    $("lag").dataset.level = lag === null ? "" : lag < 2.5 ? "good" : lag < 4 ? "late" : "bad";
    const button = (id, label, enabled) => {
      const one = $(id);
      one.disabled = !enabled;
      const text = one.querySelector("[data-label]");
      if (text.textContent !== label) text.textContent = label;
    };
    button("connect", this.link ? (connection === "open" ? "Disconnect" : "Connecting …") : "Connect", !this.running && connection !== "connecting");
    button("start", this.running ? "Stop" : "Start Dubbing", (this.running ? view.status !== "stopping" : this.setup.complete) && !this.busy);
    $("start").classList.toggle("btn-danger", this.running);
    $("start").classList.toggle("btn-primary", !this.running);
    button("pause", view?.status === "paused" ? "Go on" : "Pause", view !== null && ["dubbing", "paused"].includes(view.status));
    button("again", "Last phrase again", view !== null && view.counts.cues > 0);
    button("bypass", view?.volumes.bypass ? "Dub again" : "Original only", view !== null);
    $("bypass").setAttribute("aria-pressed", String(Boolean(view?.volumes.bypass)));
    this.setup.lock({ source: this.running, all: this.busy || view?.status === "stopping" });
    live.classList.toggle("is-running", this.running);
    $("engines").textContent = view ? [...new Set(Object.values(view.engines))].join(" · ") : "";
    $("languages").textContent = view ? `${this.setup.nameOf(view.sourceLanguage)} → ${this.setup.nameOf(view.targetLanguage)}` : "";
  }
}

const live = new LivePage();
// Tests look at what is really heard.
Object.assign(globalThis, { livePage: live });
document.documentElement.classList.add("live-ready");
