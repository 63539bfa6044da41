// Clear Key on the player: at once with ?now, else when `protect()` is called.
window.protect = async () => {
  const access = await navigator.requestMediaKeySystemAccess("org.w3.clearkey", [
    { initDataTypes: ["webm"], videoCapabilities: [{ contentType: 'video/webm; codecs="vp8"' }] },
  ]);
  await document.querySelector("#player").setMediaKeys(await access.createMediaKeys());
  document.title = "protected";
};
if (location.search.includes("now")) protect();
