// Forms that go to the REST interface: data-api is the address, data-then what follows.

import { call, Refusal, say } from "./api.js";
import { refresh } from "./refresh.js";

/** @param {HTMLFormElement} form @returns {Record<string, any>} */
export function valuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.type === "submit") continue;
    const kind = field.dataset.kind;
    if (kind === "yes") values[field.name] = field.checked;
    else if (field.type === "checkbox") {
      values[field.name] ??= [];
      if (!field.checked) continue;
      const span = { start_s: Number(field.dataset.start), end_s: Number(field.dataset.end) };
      values[field.name].push(kind === "span" ? span : field.value);
    } else if (field.type === "radio") {
      if (field.checked) values[field.name] = field.value;
    } else if (field.type === "file") {
      if (field.files.length) values[field.name] = field.files[0];
    } else if (kind === "list") values[field.name] = field.value.split(",").map((one) => one.trim()).filter(Boolean);
    else if (kind === "number") values[field.name] = field.value ? Number(field.value) : null;
    else if (kind === "day") {
      // A day that is named is meant to its end, where the reader is.
      if (field.value) values[field.name] = new Date(`${field.value}T23:59:59`).toISOString();
    } else values[field.name] = field.value;
  }
  return values;
}

/** @param {Record<string, any>} values */
function multipart(values) {
  const data = new FormData();
  for (const [name, value] of Object.entries(values))
    for (const one of [value].flat()) if (one !== null) data.append(name, one);
  return data;
}

/** @param {Element} form */
export function clearFaults(form) {
  for (const one of form.querySelectorAll(".form-fault")) one.remove();
  for (const one of form.querySelectorAll("[aria-invalid]")) {
    one.removeAttribute("aria-invalid");
    one.classList.remove("is-invalid");
  }
}

/** Each fault beside its field, the rest above the form. @param {HTMLElement} form @param {Error} fault */
export function showFault(form, fault) {
  const left = [];
  let first = null;
  for (const [path, texts] of Object.entries(fault.fields ?? {})) {
    const field = form.querySelector(`[name="${CSS.escape(path.split(".")[0])}"]:not([type=hidden])`);
    if (!field) {
      left.push(...texts);
      continue;
    }
    const place = document.createElement("div");
    place.className = "invalid-feedback d-block form-fault";
    place.id = `${field.id}-fault`;
    place.textContent = texts.join(" ");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", place.id);
    field.classList.add("is-invalid");
    (field.closest("fieldset") ?? field.closest(".side-form") ?? field).after(place);
    first ??= field;
  }
  if (left.length || !first) {
    const alert = document.createElement("div");
    alert.className = "alert alert-danger form-fault";
    alert.setAttribute("role", "alert");
    alert.textContent = left.join(" ") || fault.message;
    form.prepend(alert);
  }
  first?.focus();
}

/** @param {HTMLFormElement} form @returns {Promise<boolean>} whether the page is being left */
async function send(form) {
  const { api, method = "POST", then = "", etag } = form.dataset;
  const values = valuesOf(form);
  const bare = method === "DELETE" || (!form.elements.length && !Object.keys(values).length);
  const body = bare ? undefined : "multipart" in form.dataset ? multipart(values) : values;
  const given = await call(method, api, body, etag ? { "If-Match": etag } : {});
  if (form.dataset.say) say(form.dataset.say);
  form.dispatchEvent(new CustomEvent("form:done", { bubbles: true, detail: given }));
  const [what, ...rest] = then.split(":");
  if (what === "go") location.assign(rest.join(":").replace("{id}", given?.id ?? ""));
  else if (what === "refresh") await refresh(rest[0].split(" "));
  return what === "go";
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  // portal.js asks first where it is asked to, and submits again.
  if (event.defaultPrevented || !form.dataset.api) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  clearFaults(form);
  form.setAttribute("aria-busy", "true");
  let leaving = false;
  try {
    leaving = await send(form);
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    showFault(form, fault);
  } finally {
    // Until the next page is there, this one would make the same once more.
    if (!leaving) form.removeAttribute("aria-busy");
    delete form.dataset.confirmed;
  }
});
