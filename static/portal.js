// What every page shares: times in the reader's zone, copying, questions before what cannot
// be undone, forms that are sent once. Nothing here is needed to use a page.

import { ask } from "./ask.js";

function showTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    const style = time.dataset.style === "date" ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
    time.title = time.dateTime;
    time.textContent = new Intl.DateTimeFormat(undefined, style).format(moment);
  }
}
showTimes();
// A part of the page was made anew by the server.
document.addEventListener("page:changed", showTimes);

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const text = source.value ?? source.textContent.trim();
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    // Without the right to the clipboard the text is marked, ready to be copied by hand.
    getSelection().selectAllChildren(source);
    source.select?.();
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (label.textContent = before), 2000);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) return;
  event.preventDefault();
  ask(question, event.submitter?.textContent.trim() || "Yes").then((yes) => {
    if (!yes) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(event.submitter);
  });
});

// What a form makes would be made twice by a double click: it is sent again only when its answer
// did not take the reader elsewhere, as a download or the way back does not.
const SENT_AGAIN_MS = 15_000;

/** @param {HTMLFormElement} form */
function mayBeSent(form) {
  form.removeAttribute("aria-busy");
  delete form.dataset.confirmed;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
  if (form.getAttribute("aria-busy") === "true") return event.preventDefault();
  form.setAttribute("aria-busy", "true");
  setTimeout(() => mayBeSent(form), SENT_AGAIN_MS);
});
addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(mayBeSent));

// On a phone the menu of the settings is a row: begin where one is.
document.querySelector(".settings-menu .nav .active")?.scrollIntoView({ inline: "center", block: "nearest" });
