// In the portal's pairing page: asks it for a code, and hands that to the extension.
// A classic script: it is injected.

(() => {
  const scope = /** @type {any} */ (globalThis);
  if (scope.__dubPairing) return;
  scope.__dubPairing = true;
  const api = scope.browser ?? scope.chrome;

  window.addEventListener("message", async ({ source, origin, data }) => {
    if (source !== window || origin !== location.origin) return;
    if (data?.type !== "live-dubbing-pairing-code" || typeof data.code !== "string") return;
    const answer = await api.runtime.sendMessage({ to: "background", type: "pairing-code", code: data.code });
    window.postMessage(
      { type: "live-dubbing-paired", ok: Boolean(answer?.ok), code: answer?.code ?? "" },
      location.origin,
    );
  });
  window.postMessage({ type: "live-dubbing-extension-ready" }, location.origin);
})();
