// Looks at the media of a frame while its tab is dubbed: is it protected, does it pause or seek,
// what do its subtitles say.
// A classic script: it is injected into pages, into all frames, and may be injected again.

(() => {
  const scope = /** @type {any} */ (globalThis);
  // One that an older, reloaded extension left behind can say nothing any more.
  if (scope.__dubWatch?.alive()) return;
  const api = scope.browser ?? scope.chrome;
  const LOOK_MS = 1000;
  const SHADOW_LOOK_MS = 5000;
  const AHEAD_S = 30;
  const CUES_MAX = 64;
  /** @type {any} */
  let port = null;
  let timer = 0;
  let roots = [document];
  let rootsAt = 0;
  let said = "";

  /** The page's media elements, those in shadow trees included. @returns {HTMLMediaElement[]} */
  function media() {
    if (performance.now() - rootsAt > SHADOW_LOOK_MS) {
      roots = shadowRoots(document);
      rootsAt = performance.now();
      for (const root of roots) listen(root);
    }
    const found = roots.flatMap((root) => [...root.querySelectorAll("video, audio")]);
    return /** @type {HTMLMediaElement[]} */ (found);
  }

  /** @param {any} root @returns {any[]} */
  function shadowRoots(root) {
    const found = [root];
    for (const element of root.querySelectorAll("*")) {
      const shadow = api.dom?.openOrClosedShadowRoot
        ? element instanceof HTMLElement && api.dom.openOrClosedShadowRoot(element)
        : (element.openOrClosedShadowRoot ?? element.shadowRoot);
      if (shadow) found.push(...shadowRoots(shadow));
    }
    return found;
  }

  const isProtected = () => encrypted || media().some((element) => element.mediaKeys);
  let encrypted = false;

  /** Origins of frames that are let play protected media, as their parent sees them. */
  function delegated() {
    return [...document.querySelectorAll("iframe")]
      .filter((frame) => /encrypted-media/.test(frame.allow))
      .map((frame) => {
        try {
          return new URL(frame.src, location.href).origin;
        } catch {
          return "null";
        }
      })
      .filter((origin) => origin !== location.origin && origin !== "null");
  }

  // Subtitles ----------------------------------------------------------------------------

  let wanted = ""; // the language that is read
  /** Tracks that the page had switched off. @type {Set<TextTrack>} */
  const switched = new Set();

  /** The player that is heard, where one is. @returns {HTMLMediaElement | undefined} */
  function heard() {
    const elements = media();
    const playing = elements.filter((element) => !element.paused && !element.muted);
    const titled = (/** @type {HTMLMediaElement} */ element) => tracksOf(element).length > 0;
    return playing.find(titled) ?? playing[0] ?? elements.find(titled);
  }

  /** @param {HTMLMediaElement} element */
  function tracksOf(element) {
    const failed = [...element.querySelectorAll("track")].filter((one) => one.readyState === 3).map((one) => one.track);
    return [...element.textTracks].filter(
      (track) => (track.kind === "captions" || track.kind === "subtitles") && !failed.includes(track),
    );
  }

  /** What can be read of the player that is heard. */
  function tracks() {
    const element = heard();
    return element ? tracksOf(element).map(({ language, kind }) => ({ language, kind })) : [];
  }

  /** @param {any} cue @returns {string} */
  function textOf(cue) {
    const plain = typeof cue.getCueAsHTML === "function" ? cue.getCueAsHTML().textContent : cue.text;
    return String(plain ?? "").slice(0, 2000);
  }

  /** Tells what is said next, and where the player is. */
  function read() {
    const element = wanted ? heard() : undefined;
    // While it waits or seeks, the sound goes on without it.
    if (!element || element.paused || element.seeking || element.readyState < 3) return;
    const fitting = tracksOf(element).filter(({ language }) => !language || language.toLowerCase().split(/[-_]/)[0] === wanted);
    const track = fitting.find(({ kind }) => kind === "captions") ?? fitting[0];
    const position = element.currentTime;
    const window = { language: wanted, cues: [], until: position, position, at: Date.now(), rate: element.playbackRate };
    tell({ type: "subtitles", window: { ...window, ...(track ? ahead(element, track, position) : {}) } });
  }

  /** @param {HTMLMediaElement} element @param {TextTrack} track @param {number} position */
  function ahead(element, track, position) {
    if (track.mode === "disabled") {
      track.mode = "hidden"; // only then it is loaded, and it is not shown
      switched.add(track);
    }
    const own = [...element.querySelectorAll("track")].find((one) => one.track === track);
    const all = [...(track.cues ?? [])];
    const last = all.reduce((end, cue) => Math.max(end, cue.endTime), 0);
    // A track of a file is complete; one that a script fills is known as far as it goes.
    const whole = own ? own.readyState === 2 : false;
    const horizon = position + AHEAD_S;
    return {
      until: whole ? horizon : Math.min(horizon, last),
      cues: all
        .filter((cue) => cue.endTime > position - 1 && cue.startTime < horizon)
        .slice(0, CUES_MAX)
        .map((cue) => ({ start: cue.startTime, end: Math.min(cue.endTime, horizon + AHEAD_S), text: textOf(cue) })),
    };
  }

  /** @param {string} language */
  function want(language) {
    wanted = language;
    if (!wanted) unread();
    else read();
  }

  /** The page's tracks are as they were. */
  function unread() {
    for (const track of switched) if (track.mode === "hidden") track.mode = "disabled";
    switched.clear();
  }

  function report() {
    const elements = media();
    const playing = elements.filter((element) => !element.paused);
    return {
      origin: location.origin,
      protected: isProtected(),
      media: elements.length,
      muted: playing.length > 0 && playing.every((element) => element.muted || element.volume === 0),
      delegated: delegated(),
      tracks: tracks(),
    };
  }

  // While dubbing ------------------------------------------------------------------------

  /** @param {Record<string, unknown>} message */
  function tell(message) {
    try {
      port?.postMessage(message);
    } catch {
      end();
    }
  }

  function look() {
    read();
    const now = report();
    const state = JSON.stringify(now);
    if (state === said) return;
    said = state;
    tell({ type: "report", report: now });
  }

  /** @param {any} event */
  function onMedia({ type, target }) {
    if (!(target instanceof HTMLMediaElement)) return;
    if (type === "encrypted") {
      encrypted = true;
      look();
      return;
    }
    const others = media().filter((element) => element !== target && !element.paused && !element.muted);
    // With another player still talking the tab's sound goes on.
    if (type === "pause" && (others.length || target.ended)) return;
    if (target.muted && type !== "volumechange") return;
    tell({ type: "media", what: type, rate: target.playbackRate });
    look();
  }

  const TYPES = ["encrypted", "seeking", "seeked", "ratechange", "pause", "playing", "volumechange"];

  /** Media events do not bubble, but they can be met on their way down. @param {any} root */
  function listen(root) {
    for (const type of TYPES) root.addEventListener(type, onMedia, true);
  }

  function begin() {
    if (port) return;
    said = "";
    port = api.runtime.connect({ name: "watch" });
    port.onDisconnect.addListener(() => {
      void api.runtime.lastError;
      end();
    });
    listen(document);
    look();
    timer = setInterval(look, LOOK_MS);
  }

  function end() {
    clearInterval(timer);
    wanted = "";
    unread();
    for (const root of roots) for (const type of TYPES) root.removeEventListener(type, onMedia, true);
    const ended = port;
    port = null;
    try {
      ended?.disconnect();
    } catch {
      // The extension was reloaded.
    }
  }

  api.runtime.onMessage.addListener((/** @type {any} */ message, /** @type {any} */ _sender, /** @type {any} */ answer) => {
    if (message?.type === "alive") answer(true);
    if (message?.type === "dubbing" && message.on) {
      begin();
      want(message.subtitles ?? "");
    }
    if (message?.type === "dubbing" && !message.on) end();
    return false;
  });
  // Before anything is dubbed: protection may begin between the first look and the capture.
  document.addEventListener("encrypted", onMedia, true);
  scope.__dubWatch = { report, alive: () => Boolean(api.runtime?.id) };
})();
