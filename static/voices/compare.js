// Voices side by side: one text in up to three of them, beside the person's own recording.

import { isolated } from "../bidi.js";
import { call, pause, Refusal, say } from "./api.js";
import { clearFaults, showFault, valuesOf } from "./forms.js";
import { refresh } from "./refresh.js";

const MAX = Number(document.getElementById("voices").dataset.compared);
const STOCK_SHOWN = 12;
const LOOK_AGAIN_MS = 800;
const DONE = new Set(["ready", "failed"]);
const names = new Intl.DisplayNames(["en"], { type: "language" });

document.addEventListener("page:changed", () => begin());
document.addEventListener("change", (event) => {
  const { name, id } = event.target;
  if (id === "compare-language" || id === "compare-engine") offerStock();
  if (name === "voice") {
    limit();
    carry();
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.id !== "compare-form") return;
  event.preventDefault();
  compare(event.target);
});
document.addEventListener("form:done", ({ target }) => {
  if (!target.closest("[data-compared]")) return;
  say(target.dataset.say);
  if (document.getElementById("pins")) refresh(["pins"]);
});
begin();

function section() {
  return document.querySelector("[data-compare]");
}

/** Fill in the languages that can be spoken, once for each time the part is made. */
async function begin() {
  const place = section();
  if (!place || place.dataset.begun) return;
  place.dataset.begun = "yes";
  const select = place.querySelector("#compare-language");
  try {
    const { speaks } = await call("GET", "/api/languages");
    const options = speaks.map((code) => new Option(nameOf(code), code));
    options.sort((a, b) => a.text.localeCompare(b.text));
    select.replaceChildren(...options);
    if (speaks.includes("en")) select.value = "en";
    await offerStock();
  } catch (fault) {
    showFault(place.querySelector("form"), fault);
  }
}

/** @param {string} code */
function nameOf(code) {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

async function offerStock() {
  const language = document.getElementById("compare-language").value;
  const list = section().querySelector("[data-stock]");
  if (!language) return list.replaceChildren();
  const engine = document.getElementById("compare-engine")?.value;
  const query = new URLSearchParams({ whose: "stock", language, ...(engine && { synthesis: engine }) });
  // The library's filter counts for stock voices too.
  const register = document.getElementById("register")?.value;
  clearFaults(document.getElementById("compare-form"));
  list.replaceChildren();
  try {
    const { voices } = await call("GET", `/api/voices?${query}`);
    const fitting = voices.filter((one) => !register || one.register === register);
    list.replaceChildren(...fitting.slice(0, STOCK_SHOWN).map(stockChoice));
    limit();
  } catch (fault) {
    showFault(document.getElementById("compare-form"), fault);
  }
}

/** @param {{id: string, engine: string, name: string, register: string}} voice @param {number} number */
function stockChoice(voice, number) {
  const row = document.createElement("div");
  row.className = "form-check";
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", className: "form-check-input", name: "voice", id: `stock-${number}` });
  Object.assign(box.dataset, { engine: voice.engine, voice: voice.id, name: voice.name });
  const label = document.createElement("label");
  label.className = "form-check-label";
  label.htmlFor = box.id;
  label.textContent = `${voice.name} (${voice.register})`;
  row.append(box, label);
  return row;
}

function boxes() {
  return [...document.getElementById("compare-form").elements].filter((one) => one.name === "voice");
}

/** No more than can be put side by side. */
function limit() {
  const full = boxes().filter((one) => one.checked).length >= MAX;
  for (const box of boxes()) box.disabled = full && !box.checked;
}

/** In the library, what is chosen goes along to its other pages, in their addresses. */
function carry() {
  const kept = document.getElementById("chosen");
  if (!kept) return;
  const chosen = boxes().filter((one) => one.checked && one.dataset.clone).map((one) => one.dataset.clone);
  Object.assign(kept, { value: chosen.join(","), disabled: !chosen.length });
  const carrying = (address) => {
    const url = new URL(address, location.href);
    if (chosen.length) url.searchParams.set("chosen", kept.value);
    else url.searchParams.delete("chosen");
    return url.href;
  };
  history.replaceState(history.state, "", carrying(location.href));
  for (const link of document.querySelectorAll("a[rel=prev], a[rel=next]")) link.href = carrying(link.href);
}

/** @returns {{id: string, name: string} | null} */
function actorOf(place) {
  if (place.dataset.actor) return { id: place.dataset.actor, name: place.dataset.actorName };
  const chosen = document.querySelector("#actor-choice option:checked");
  return chosen?.value ? { id: chosen.value, name: chosen.text } : null;
}

/** @param {HTMLFormElement} form */
async function compare(form) {
  if (form.getAttribute("aria-busy") === "true") return;
  clearFaults(form);
  const chosen = boxes().filter((one) => one.checked);
  if (!chosen.length) return showFault(form, new Refusal("Choose a voice first.", {}));
  form.setAttribute("aria-busy", "true");
  try {
    const place = section();
    const actor = actorOf(place);
    const { text, language, sample = await newestSample(actor) } = valuesOf(form);
    const wish = { text, language, voices: chosen.map(wishOf) };
    if (actor) wish.actor = actor.id;
    if (sample) wish.sample = sample;
    let made = await call("POST", "/api/comparisons", wish);
    const shown = place.querySelector("[data-compared]");
    const cards = made.previews.map((_, number) => card(chosen[number], actor, language));
    shown.replaceChildren(...(made.sample_url ? [ownCard(made.sample_url, actor)] : []), ...cards);
    say("The voices are being spoken.");
    for (;;) {
      made.previews.forEach((one, number) => show(cards[number], one));
      if (made.previews.every((one) => DONE.has(one.state))) break;
      await pause(LOOK_AGAIN_MS);
      made = await call("GET", `/api/comparisons/${made.id}`);
    }
    say("The voices can be heard.");
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    showFault(form, fault);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

/** In the library, where an actor is chosen and no recording. @param {{id: string} | null} actor */
async function newestSample(actor) {
  if (!actor) return "";
  const { results } = await call("GET", `/api/samples?actor=${actor.id}&state=ready&limit=1`);
  return results[0]?.id ?? "";
}

/** @param {HTMLInputElement} box */
function wishOf({ dataset }) {
  return dataset.clone ? { clone: dataset.clone } : { engine: dataset.engine, voice: dataset.voice };
}

function blank() {
  const made = document.getElementById("compared-voice").content.cloneNode(true).firstElementChild;
  return [made, (name) => made.querySelector(`[data-part="${name}"]`)];
}

/** @param {string} url */
function ownCard(url, actor) {
  const [made, part] = blank();
  part("name").textContent = actor ? `${isolated(actor.name)} themselves` : "The person themselves";
  part("state").remove();
  Object.assign(part("sound"), { src: url, hidden: false, preload: "none" });
  part("sound").setAttribute("aria-label", part("name").textContent);
  return made;
}

/** @param {HTMLInputElement} box @param {{id: string, name: string} | null} actor @param {string} language */
function card(box, actor, language) {
  const [made, part] = blank();
  part("name").textContent = box.dataset.name;
  if (actor) {
    const pin = part("pin");
    pin.elements.actor.value = actor.id;
    pin.elements.engine.value = box.dataset.engine;
    pin.elements.voice.value = box.dataset.voice;
    pin.elements.language.value = language;
    part("pin-label").textContent = `Pin ${isolated(box.dataset.name)} for ${nameOf(language)}`;
    pin.dataset.say = `${isolated(actor.name)} speaks ${nameOf(language)} as ${isolated(box.dataset.name)} from now on.`;
  }
  return made;
}

/** @param {HTMLElement} made @param {any} preview */
function show(made, preview) {
  const part = (name) => made.querySelector(`[data-part="${name}"]`);
  const state = part("state");
  if (!state) return;
  if (!DONE.has(preview.state)) {
    state.textContent = preview.state === "speaking" ? "Being spoken …" : "Waiting for its turn …";
    return;
  }
  if (preview.state === "failed") {
    state.textContent = preview.problem || "It could not be spoken.";
    state.className = "text-danger-emphasis";
    return;
  }
  state.remove();
  Object.assign(part("sound"), { src: preview.audio_url, hidden: false });
  part("sound").setAttribute("aria-label", part("name").textContent);
  if (preview.similarity !== null) part("likeness").textContent = `Likeness to the recording: ${preview.similarity.toFixed(2)}`;
  const pin = part("pin");
  pin.hidden = !pin.elements.actor.value;
}
