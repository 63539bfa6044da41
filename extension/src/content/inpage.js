// Firefox: hears the page's own player and mixes the dub into its sound, in the page. A classic
// script, injected; what it shares with Chrome's path it loads as modules.

(() => {
  const scope = /** @type {any} */ (globalThis);
  if (scope.__dubInpage?.()) return;
  scope.__dubInpage = () => Boolean(api.runtime?.id);
  const api = scope.browser ?? scope.chrome;
  // Of this package alone; by its full address, for here a relative one is the page's.
  const load = (/** @type {string} */ path) => import(api.runtime.getURL(path));

  /** The player that is heard: playing before paused, then the largest. @returns {any} */
  function player() {
    const all = [...document.querySelectorAll("video, audio")].map((element) => /** @type {any} */ (element));
    const size = (/** @type {any} */ element) => element.clientWidth * element.clientHeight;
    all.sort((a, b) => Number(a.paused) - Number(b.paused) || Number(a.muted) - Number(b.muted) || size(b) - size(a));
    return all[0];
  }

  /** Stands for the socket, which lives in the background page: this page's policy may forbid it here. */
  async function portLink(/** @type {any} */ port) {
    const { Emitter } = await load("shared/emitter.js");
    const call = (/** @type {string} */ name, /** @type {any} */ argument) =>
      port.postMessage({ type: "link", call: name, argument });
    const link = new Emitter();
    Object.assign(link, {
      state: "new",
      waiting: 0,
      open: () => call("open", null),
      start: (/** @type {any} */ request) => call("start", request),
      stop: (/** @type {any} */ options) => call("stop", options),
      sendText: (/** @type {any} */ text) => {
        if (link.state === "open") call("sendText", text);
        return link.state === "open";
      },
      close: () => call("close", null),
      sendSound: (/** @type {Int16Array} */ pcm, /** @type {number} */ mediaS) =>
        port.postMessage({ type: "sound", pcm, mediaS }),
    });
    port.onMessage.addListener((/** @type {any} */ message) => {
      if (message.type !== "link") return;
      link.state = message.state;
      link.emit(message.event, message.detail);
    });
    return link;
  }

  async function connect() {
    const port = api.runtime.connect({ name: "inpage" });
    /** @type {any} */
    let running = null;
    port.onDisconnect.addListener(() => running?.end());
    port.onMessage.addListener(async (/** @type {any} */ message) => {
      if (message.type === "start") {
        try {
          running = await start(port, message);
          port.postMessage({ type: "began", ok: true });
        } catch (error) {
          port.postMessage({ type: "began", ok: false, error: String(error) });
        }
      } else if (message.type === "stop") {
        if (message.now) running?.control.close(message.trouble ?? null);
        else running?.session.stop();
      } else if (message.type === "order") running?.control.take(message.order);
      else if (message.type === "subtitles") running?.control.subtitles(message.window);
      else if (message.type === "media") running?.control.media(message);
    });
  }

  /** @type {WeakMap<any, {context: AudioContext, source: AudioNode, taken: boolean}>} */
  const taps = new WeakMap();

  /**
   * The player's sound as a node; made once for each player. Before 149 Firefox takes it away from
   * the player (`taken`): from then on it is heard through here, dubbed or not.
   * @param {any} element
   */
  async function tap(element) {
    const known = taps.get(element);
    if (known) return known;
    const taken = !element.captureStream;
    let stream;
    try {
      stream = taken ? element.mozCaptureStream() : element.captureStream();
    } catch (error) {
      throw new Error(/EME|protected/i.test(String(error)) ? "protected" : "media_locked");
    }
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.resume();
    const source = context.createMediaStreamSource(stream);
    if (taken) source.connect(context.destination);
    const made = { context, source, taken };
    taps.set(element, made);
    return made;
  }

  /** @param {any} port @param {any} message */
  async function start(port, { request, settings }) {
    const element = player();
    if (!element) throw new Error("no_media");
    if (element.mediaKeys) throw new Error("protected");
    const [{ DubSession }, { Control }, link] = await Promise.all([
      load("shared/session.js"),
      load("src/control.js"),
      portLink(port),
    ]);
    const { context, source, taken } = await tap(element);
    const { original, dub, floor, offsetS } = settings;
    const base = api.runtime.getURL("shared/session.js");
    const session = await DubSession.create({ context, link, base, volumes: { original, dub, floor }, offsetS });

    // The original stays with the player, where that is heard: its volume is what is ducked.
    const own = element.volume;
    let gain = 1;
    let set = own;
    const apply = () => {
      set = Math.max(0, Math.min(1, own * session.view.volumes.original * gain));
      element.volume = set;
    };
    if (taken) source.disconnect();
    else session.addEventListener("duck", (/** @type {any} */ { detail }) => {
      gain = detail;
      apply();
    });
    if (!taken) session.addEventListener("change", () => Math.abs(element.volume - set) < 0.001 && apply());

    const hub = {
      show: (/** @type {any} */ _tab, /** @type {any} */ view, /** @type {any} */ lines, /** @type {any} */ partial) =>
        port.postMessage({ type: "show", view, lines: lines.slice(-60), partial }),
      notice: (/** @type {any} */ _tab, /** @type {any} */ notice) => port.postMessage({ type: "notice", notice }),
    };
    const end = () => {
      if (taken) source.connect(context.destination);
      else element.volume = own;
    };
    const control = new Control(0, session, hub, settings, (/** @type {any} */ trouble) => {
      end();
      port.postMessage({ type: "ended", trouble });
    });
    session.addEventListener("change", (/** @type {any} */ { detail }) => {
      if (detail.status !== "ended") port.postMessage({ type: "status", status: detail.status });
    });
    await session.start(source, request, { route: taken });
    return { session, control, end: () => control.close(null) };
  }

  api.runtime.onMessage.addListener((/** @type {any} */ message) => {
    if (message?.type === "inpage-connect") connect();
    return false;
  });
})();
