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
  const id = place.dataset.cloneProgress;
  const steps = [...place.querySelectorAll("[data-step]")];
  let told = "";
  /** @param {{state: string, step: string, problem: string}} clone */
  const show = (clone) => {
    const at = steps.findIndex((one) => one.dataset.step === clone.step);
    steps.forEach((one, number) => {
      one.className = number < at ? "done" : number === at ? "now" : "later";
      one.querySelector("[data-state]").textContent = number < at ? "done" : number === at ? "under way" : "to come";
    });
    if (clone.step !== told && at >= 0) say(steps[at].querySelector("span").textContent);
    told = clone.step;
  };
  const made = await followed(id, show) ?? await asked(id, show);
  if (!made) return;
  await refresh(["steps", "making", "step-listen"]);
  say(made.state === "ready" ? "The voice is ready. Listen to it below." : `The voice could not be made. ${made.problem}`);
}

/** As the server tells it. @returns {Promise<any>} what became of it; null where it tells no more */
function followed(id, show) {
  return new Promise((done) => {
    const events = new EventSource(`/api/clones/${id}/events`);
    const end = (made) => {
      events.close();
      done(made);
    };
    events.addEventListener("progress", ({ data }) => {
      const clone = JSON.parse(data);
      if (UNDER_WAY.has(clone.state)) show(clone);
      else end(clone);
    });
    events.addEventListener("end", () => end(null));
    events.addEventListener("error", () => end(null));
  });
}

/** Where that breaks off. @returns {Promise<any>} what became of it; null where it is gone */
async function asked(id, show) {
  for (;;) {
    try {
      const clone = await call("GET", `/api/clones/${id}`);
      if (!UNDER_WAY.has(clone.state)) return clone;
      show(clone);
    } catch (fault) {
      say(fault.message);
      if (fault.status === 404) return null;
      await pause(5 * LOOK_AGAIN_MS);
    }
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
