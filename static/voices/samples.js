// Recordings: uploaded, recorded here, and looked at again until they are analysed.

import { call, pause, Refusal, say } from "./api.js";
import { clearFaults, showFault } from "./forms.js";
import { refresh } from "./refresh.js";

const { sampleBytes, sampleMib } = document.getElementById("voices").dataset;
const RECORDED_MAX_S = 120;
const LOOK_AGAIN_MS = 1500;

/** @param {string} actor @param {File} file */
async function upload(actor, file) {
  if (file.size > Number(sampleBytes))
    throw new Refusal(`“${file.name}” is larger than ${sampleMib} MiB. Send a shorter part of it.`, { audio: [`“${file.name}” is larger than ${sampleMib} MiB. Send a shorter part of it.`] });
  const data = new FormData();
  data.append("actor", actor);
  data.append("audio", file);
  data.append("name", file.name.replace(/\.[^.]*$/, "").slice(0, 200));
  await call("POST", "/api/samples", data);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("upload" in form.dataset)) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  clearFaults(form);
  form.setAttribute("aria-busy", "true");
  const files = [...form.elements.audio.files];
  let sent = 0;
  try {
    for (const file of files) {
      say(`Sending ${file.name} …`);
      await upload(form.closest("[data-add-sample]").dataset.actor, file);
      sent += 1;
    }
    say(sent === 1 ? "The recording is sent, and is being analysed." : `${sent} recordings are sent, and are being analysed.`);
    await refresh(["recordings"]);
    watch();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    // What came before the one that was refused is kept, and shown.
    if (sent) await refresh(["recordings"]);
    showFault(document.querySelector("form[data-upload]"), fault);
    watch();
  } finally {
    form.removeAttribute("aria-busy");
  }
});

// Recording ------------------------------------------------------------------------------

let recorder = null;

document.addEventListener("click", async (event) => {
  const place = event.target.closest?.("[data-recorder]");
  const button = event.target.closest?.("button");
  if (!place || !button) return;
  if ("record" in button.dataset) {
    if (recorder) recorder.stop();
    else await record(place);
  } else if ("drop" in button.dataset) forget(place);
  else if ("keep" in button.dataset) await keep(place, button);
});

/** @param {HTMLElement} place */
async function record(place) {
  clearFaults(place);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  } catch (fault) {
    const why = !navigator.mediaDevices
      ? "A browser records only on pages with an address in https. Upload a file instead."
      : fault.name === "NotFoundError"
        ? "No microphone was found. Plug one in, or upload a file."
        : "The browser does not let this page listen. Allow the microphone beside the address, then try again.";
    showFault(place, new Refusal(why));
    return;
  }
  forget(place);
  const part = (name) => place.querySelector(`[data-${name}]`);
  const pieces = [];
  const began = performance.now();
  recorder = new MediaRecorder(stream);
  const clock = setInterval(() => {
    const seconds = Math.floor((performance.now() - began) / 1000);
    part("record-time").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds >= RECORDED_MAX_S) recorder?.stop();
  }, 250);
  recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
  recorder.addEventListener("stop", () => {
    clearInterval(clock);
    for (const track of stream.getTracks()) track.stop();
    const type = recorder.mimeType || "audio/webm";
    recorder = null;
    const suffix = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
    place.recorded = new File(pieces, `Recorded ${new Date().toLocaleString()}.${suffix}`, { type });
    part("recorded-sound").src = URL.createObjectURL(place.recorded);
    part("recorded").hidden = false;
    part("record-label").textContent = "Record again";
    say("The recording has ended. Listen to it, then keep it or throw it away.");
  });
  recorder.start(1000);
  part("record-label").textContent = "Stop";
  say("Recording. Speak now.");
}

/** @param {HTMLElement} place */
function forget(place) {
  const sound = place.querySelector("[data-recorded-sound]");
  if (sound.src) URL.revokeObjectURL(sound.src);
  sound.removeAttribute("src");
  place.querySelector("[data-recorded]").hidden = true;
  place.querySelector("[data-record-label]").textContent = "Record";
  place.recorded = null;
}

/** @param {HTMLElement} place @param {HTMLButtonElement} button */
async function keep(place, button) {
  if (!place.recorded || button.disabled) return;
  button.disabled = true;
  clearFaults(place);
  try {
    await upload(place.closest("[data-add-sample]").dataset.actor, place.recorded);
    forget(place);
    say("The recording is kept, and is being analysed.");
    await refresh(["recordings"]);
    watch();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    showFault(place, fault);
  } finally {
    button.disabled = false;
  }
}

// Analysis -------------------------------------------------------------------------------

let watching = false;

/** Ask until nothing on the page waits for its analysis; show each as it is done. */
async function watch() {
  if (watching) return;
  watching = true;
  try {
    for (;;) {
      const place = document.getElementById("recordings");
      const shown = [...document.querySelectorAll("[data-pending-sample]")].map((one) => one.dataset.pendingSample);
      if (!shown.length) return;
      await pause(LOOK_AGAIN_MS);
      // What is recorded just now would be lost with the part of the page that it is in.
      if (recorder || place.querySelector("[data-recorder]")?.recorded || document.hidden) continue;
      const { results } = await call("GET", `/api/samples?actor=${place.dataset.actor}&state=waiting&state=analysing`);
      const waiting = new Set(results.map((one) => one.id));
      if (shown.every((one) => waiting.has(one))) continue;
      await refresh(["recordings"]);
      say("A recording is analysed.");
    }
  } catch (fault) {
    say(fault.message);
  } finally {
    watching = false;
  }
}

watch();
