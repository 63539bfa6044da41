// How far a job is: its steps, and of each how many parts are done. No share of the whole is
// shown, because nobody knows how long the steps to come will take.

/** @param {HTMLElement} list @param {any} job @param {Record<string, string>} names step → words */
export function showSteps(list, job, names) {
  list.replaceChildren(
    ...job.steps.map(({ step, state, parts, done }) => {
      const item = document.createElement("li");
      item.className = `step step-${state}`;
      item.dataset.step = step;
      if (state === "running") item.setAttribute("aria-current", "step");
      const name = document.createElement("span");
      name.className = "step-name";
      name.textContent = names[step] ?? step;
      const far = document.createElement("span");
      far.className = "step-far";
      far.textContent = farOf(state, parts, done);
      item.append(name, far);
      if (state === "running" && parts > 0) {
        const bar = document.createElement("progress");
        bar.className = "share";
        bar.max = parts;
        bar.value = done;
        bar.setAttribute("aria-label", names[step] ?? step);
        item.append(bar);
      }
      return item;
    }),
  );
}

/** One line of it, for lists and screen readers. @param {any} job @param {Record<string, string>} names */
export function lineOf(job, names) {
  const running = job.steps.find((one) => one.state === "running");
  if (!running) return job.state === "waiting" || job.state === "running" ? "Waiting for a worker" : "";
  const name = names[running.step] ?? running.step;
  return running.parts > 1 ? `${name}: ${running.done} of ${running.parts}` : name;
}

/** @param {string} state @param {number} parts @param {number} done */
function farOf(state, parts, done) {
  if (state === "waiting") return "to come";
  if (state === "done") return "done";
  return parts > 1 ? `${done} of ${parts}` : "under way";
}
