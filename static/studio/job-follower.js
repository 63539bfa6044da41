// A job as it goes on: told by the server, or asked for where that is not to be had.

import { Refusal } from "./api.js";

const ASK_MS = 2000;
const RUNNING = new Set(["waiting", "running"]);

/** @param {any} job */
export const isUnderWay = (job) => RUNNING.has(job.state);

/**
 * @param {import("./api.js").Api} api @param {any} job
 * @param {(job: any) => void} onChange with the job as it is, at last when it has ended
 * @returns {() => void} stops following
 */
export function follow(api, job, onChange) {
  let stopped = false;
  /** @type {EventSource | null} */
  let events = new EventSource(`/api/jobs/${job.id}/events`);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const stop = () => {
    stopped = true;
    events?.close();
    clearTimeout(timer);
  };
  const told = (now) => {
    if (stopped) return;
    if (!isUnderWay(now)) stop();
    onChange(now);
  };
  const look = async () => {
    if (stopped) return;
    try {
      told(await api.get(`/api/jobs/${job.id}`));
    } catch (error) {
      // Gone with its project, or no longer ours to see.
      if (error instanceof Refusal && error.status === 404) return stop();
    }
    if (!stopped) timer = setTimeout(look, ASK_MS);
  };
  const askInstead = () => {
    events?.close();
    events = null;
    look();
  };
  events.addEventListener("progress", (event) => told(JSON.parse(event.data)));
  events.addEventListener("end", askInstead);
  events.addEventListener("error", askInstead);
  return stop;
}
