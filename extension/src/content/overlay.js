// Captions over the page: in a closed shadow tree, draggable, also above a video in fullscreen.
// A classic script: it is injected.

(() => {
  const scope = /** @type {any} */ (globalThis);
  if (scope.__dubOverlay?.()) return;
  const api = scope.browser ?? scope.chrome;
  const LINES = 2;
  const STYLE = `
    :host { all: initial; }
    .box {
      position: fixed; inset: auto; left: 50%; bottom: 8vh; transform: translateX(-50%); margin: 0; border: 0;
      max-width: min(80vw, 900px); padding: 8px 16px; border-radius: 10px; background: rgb(0 0 0 / .78);
      color: #fff; font: 600 clamp(15px, 1.9vw, 23px)/1.35 system-ui, sans-serif; text-align: center;
      cursor: grab; touch-action: none; user-select: none; overflow: visible;
    }
    .box:empty { visibility: hidden; }
    .source { display: block; font-weight: 400; font-size: .68em; color: #d5d7e2; }
    .skipped { font-style: italic; }
    p { margin: 2px 0; }`;

  const host = document.createElement("live-dubbing-captions");
  const shadow = host.attachShadow({ mode: "closed" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  const box = document.createElement("div");
  box.className = "box";
  // The top layer: above everything in the page, a video in fullscreen included.
  if ("popover" in box) box.popover = "manual";
  let styled = true;
  try {
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    styled = false; // Firefox keeps pages' sheets and ours apart
  }
  if (!styled) shadow.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
  shadow.append(box);

  /** @type {any} */
  let port = null;

  function raise() {
    // Only what is inside the element in fullscreen can be dragged; a video has no inside, but the
    // top layer is above it all the same.
    const full = document.fullscreenElement;
    const inside = full && !/^(video|iframe|img|object|embed)$/i.test(full.localName) ? full : document.documentElement;
    if (host.parentElement !== inside) inside.append(host);
    if (!box.popover) return;
    if (box.matches(":popover-open")) box.hidePopover();
    box.showPopover();
  }

  function show() {
    if (port) return;
    raise();
    document.addEventListener("fullscreenchange", raise);
    port = api.runtime.connect({ name: "overlay" });
    port.onMessage.addListener((/** @type {any} */ message) => {
      if (message.type === "all") draw(message.lines);
      if (message.type === "none") box.replaceChildren();
    });
    port.onDisconnect.addListener(() => {
      void api.runtime.lastError;
      hide();
    });
  }

  function hide() {
    document.removeEventListener("fullscreenchange", raise);
    const ended = port;
    port = null;
    try {
      ended?.disconnect();
    } catch {
      // The extension was reloaded.
    }
    host.remove();
  }

  /** @param {any[]} lines */
  function draw(lines) {
    // What was left out because its listener went elsewhere is of no use there.
    const told = lines.filter(({ how, reason }) => how === "heard" || (how === "skipped" && reason !== "discarded"));
    const shown = told.filter((line) => line.text).slice(-LINES);
    box.replaceChildren(
      ...shown.map((line) => {
        const row = document.createElement("p");
        row.className = line.how;
        row.dir = "auto";
        const source = document.createElement("span");
        source.className = "source";
        source.dir = "auto";
        source.textContent = line.source;
        row.append(line.text, source);
        return row;
      }),
    );
  }

  let [grabX, grabY] = [0, 0];
  box.addEventListener("pointerdown", (event) => {
    const { left, top } = box.getBoundingClientRect();
    [grabX, grabY] = [event.clientX - left, event.clientY - top];
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (!box.hasPointerCapture(event.pointerId)) return;
    const { width, height } = box.getBoundingClientRect();
    const x = Math.max(0, Math.min(innerWidth - width, event.clientX - grabX));
    const y = Math.max(0, Math.min(innerHeight - height, event.clientY - grabY));
    Object.assign(box.style, { left: `${x}px`, top: `${y}px`, bottom: "auto", transform: "none" });
  });

  api.runtime.onMessage.addListener((/** @type {any} */ message) => {
    if (message?.type === "overlay") (message.on ? show : hide)();
    return false;
  });
  scope.__dubOverlay = () => Boolean(api.runtime?.id);
})();
