// A clone while it is made: its steps as they come, its quality at the end.

import { call, pause, say } from "./api.js";
import { refresh } from "./refresh.js";

const LOOK_AGAIN_MS = 1000;
const UNDER_WAY = new Set(["waiting", "making"]);

const making = document.querySelector("[data-clone-progress]");
if (making) follow(making);
else wait();

/** @param {HTMLElement} place */
async function follow(place) {
  const steps = [...place.querySelectorAll("[data-step]")];
  let told = "";
  for (;;) {
    let clone;
    try {
      clone = await call("GET", `/api/clones/${place.dataset.cloneProgress}`);
    } catch (fault) {
      say(fault.message);
      if (fault.status === 404) return;
      await pause(5 * LOOK_AGAIN_MS);
      continue;
    }
    if (!UNDER_WAY.has(clone.state)) {
      await refresh(["steps", "making", "step-listen"]);
      say(clone.state === "ready" ? "The voice is ready. Listen to it below." : `The voice could not be made. ${clone.problem}`);
      return;
    }
    const at = steps.findIndex((one) => one.dataset.step === clone.step);
    steps.forEach((one, number) => {
      one.className = number < at ? "done" : number === at ? "now" : "later";
      one.querySelector("[data-state]").textContent = number < at ? "done" : number === at ? "under way" : "to come";
    });
    if (clone.step !== told && at >= 0) say(steps[at].querySelector("span").textContent);
    told = clone.step;
    await pause(LOOK_AGAIN_MS);
  }
}

/** On an actor's page: show those that are being made once they are done. */
async function wait() {
  for (;;) {
    const pending = [...document.querySelectorAll("[data-pending-clone]")].map((one) => one.dataset.pendingClone);
    if (!pending.length) return;
    await pause(3 * LOOK_AGAIN_MS);
    if (document.hidden) continue;
    try {
      const states = await Promise.all(pending.map((id) => call("GET", `/api/clones/${id}`)));
      if (states.some((one) => !UNDER_WAY.has(one.state))) await refresh(["clones"]);
    } catch (fault) {
      return say(fault.message);
    }
  }
}
