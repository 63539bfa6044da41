// Hands a pairing code to the extension that asked for it.
//
// The extension opens this page with a nonce of its own, `state`, and listens to `message`
// events of this window from a content script. To this window alone the page says, every half
// second until it is answered or half a minute has passed:
//   {source: "live-dubbing", type: "pairing", code, state, server, name}
// The extension exchanges the code at POST <server>/api/pairing/exchange {code, name} and says:
//   {source: "live-dubbing-extension", type: "paired", state}
//   {source: "live-dubbing-extension", type: "pairing-failed", state, message}

const page = document.querySelector("[data-pairing-code]");
const status = document.querySelector("#pairing-status");
const { pairingCode: code, pairingState: state, pairingName: name } = page.dataset;
let tries = 60;

const offer = () =>
  postMessage(
    { source: "live-dubbing", type: "pairing", code, state, server: location.origin, name },
    location.origin,
  );
const timer = setInterval(() => {
  if (tries-- > 0) return offer();
  finish("danger", "The extension does not answer. Type the code into its options page instead.");
}, 500);
offer();

addEventListener("message", (event) => {
  const said = event.data;
  if (event.source !== window || said?.source !== "live-dubbing-extension" || said.state !== state) return;
  if (said.type === "paired") {
    finish("success", "Paired. You can close this page.");
    document.querySelector("#pairing-code-card").hidden = true;
  }
  if (said.type === "pairing-failed") finish("danger", String(said.message ?? "Pairing failed.").slice(0, 300));
});

function finish(look, text) {
  clearInterval(timer);
  status.className = `alert alert-${look}`;
  status.textContent = text;
}
