// Looks at the media of a frame while its tab is dubbed: is it protected, does it pause or seek.
// A classic script: it is injected into pages, into all frames, and may be injected again.

(() => {
  const scope = /** @type {any} */ (globalThis);
  // One that an older, reloaded extension left behind can say nothing any more.
  if (scope.__dubWatch?.alive()) return;
  const api = scope.browser ?? scope.chrome;
  const LOOK_MS = 1000;
  const SHADOW_LOOK_MS = 5000;
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

  function report() {
    const elements = media();
    const playing = elements.filter((element) => !element.paused);
    return {
      origin: location.origin,
      protected: isProtected(),
      media: elements.length,
      muted: playing.length > 0 && playing.every((element) => element.muted || element.volume === 0),
      delegated: delegated(),
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

  const TYPES = ["encrypted", "seeking", "ratechange", "pause", "playing", "volumechange"];

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
    if (message?.type === "dubbing" && message.on) begin();
    if (message?.type === "dubbing" && !message.on) end();
    return false;
  });
  // Before anything is dubbed: protection may begin between the first look and the capture.
  document.addEventListener("encrypted", onMedia, true);
  scope.__dubWatch = { report, alive: () => Boolean(api.runtime?.id) };
})();
