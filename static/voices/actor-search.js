// Fields that find an actor by a part of their name, among however many there are.

import { call, say } from "./api.js";

const SHOWN = 20;
const STILL_MS = 250;
let timer = 0;

document.addEventListener("input", ({ target }) => {
  if (!("actorQuery" in target.dataset)) return;
  clearTimeout(timer);
  timer = setTimeout(() => find(target), STILL_MS);
});

/** @param {HTMLInputElement} query */
async function find(query) {
  const place = query.closest("[data-actor-search]");
  const choice = place.querySelector("[data-actor-choice]");
  const first = choice.options[0];
  const text = query.value.trim();
  if (!text) return choice.replaceChildren(first);
  try {
    const found = await call("GET", `/api/actors?limit=${SHOWN}&q=${encodeURIComponent(text)}`);
    const results = found.results.filter((one) => one.id !== place.dataset.but);
    // Somebody may have typed on meanwhile.
    if (query.value.trim() !== text) return;
    choice.replaceChildren(first, ...results.map((one) => new Option(one.name, one.id)));
    if (results.length) choice.value = results[0].id;
    say(results.length ? `${results.length} actor${results.length === 1 ? "" : "s"} found.` : "No actor of that name.");
  } catch (fault) {
    say(fault.message);
  }
}
