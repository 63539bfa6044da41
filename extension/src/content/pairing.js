// In the portal's pairing page: takes the code that the page offers to the extension, which
// exchanges it. A classic script: it is injected.

(() => {
  const scope = /** @type {any} */ (globalThis);
  if (scope.__dubPairing) return;
  scope.__dubPairing = true;
  const api = scope.browser ?? scope.chrome;
  const state = new URLSearchParams(location.search).get("state");
  let busy = false;

  window.addEventListener("message", async ({ source, origin, data }) => {
    if (source !== window || origin !== location.origin || busy) return;
    if (data?.source !== "live-dubbing" || data.type !== "pairing" || data.state !== state) return;
    busy = true;
    const order = { to: "background", type: "pairing-code", code: String(data.code), state };
    const answer = await api.runtime.sendMessage(order);
    const words = api.i18n.getMessage(`trouble_${answer?.code ?? "server_failing"}`) || answer?.message;
    const reply = answer?.ok ? { type: "paired" } : { type: "pairing-failed", message: words };
    window.postMessage({ source: "live-dubbing-extension", state, ...reply }, location.origin);
  });
})();
