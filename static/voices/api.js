// The REST interface as these pages use it: with the login's cookie, and errors in words.

const page = document.getElementById("voices");

/** What the server refuses; `fields` has what is wrong with each field. */
export class Refusal extends Error {
  /** @param {string} message @param {Record<string, string[]>} fields @param {number} status */
  constructor(message, fields = {}, status = 0) {
    super(message);
    this.fields = fields;
    this.status = status;
  }
}

/**
 * @param {string} method @param {string} path @param {unknown} [body] JSON, or FormData as it is
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} what the server answers; null where that is nothing
 */
export async function call(method, path, body, headers = {}) {
  const sent = { Accept: "application/json", "X-CSRFToken": page.dataset.csrf, ...headers };
  const multipart = body instanceof FormData;
  if (body !== undefined && !multipart) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers: sent, body: multipart ? body : JSON.stringify(body) });
  } catch {
    throw new Refusal("The server cannot be reached. See whether you are connected, and try again.");
  }
  const given = await answer.json().catch(() => null);
  if (answer.ok) return given;
  if (answer.status === 401) throw new Refusal("You are logged out. Load the page again and log in.", {}, 401);
  if (answer.status === 413) throw new Refusal("That is too large for the server.", {}, 413);
  throw new Refusal(given?.detail ?? "The server could not do that. Try again in a moment.", given?.errors ?? {}, answer.status);
}

/** Tell everybody what happened, screen readers too. @param {string} text */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (place.textContent = ""), 8000);
}

/** @param {number} ms */
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
