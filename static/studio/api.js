// The server's interface, as its pages ask it: problems as words, lists whole, edits under tags.

const TIMEOUT_MS = 60_000;
const PAGE = 200;

/** @param {string} id of the page's settings @returns {any} */
export function settingsOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Why the server refused, or that it could not be reached (`status` 0). */
export class Refusal extends Error {
  /** @param {number} status @param {any} problem of RFC 9457 */
  constructor(status, problem) {
    super(wordsOf(status, problem));
    this.status = status;
    this.code = problem?.code ?? "";
  }
}

export class Api {
  /** @param {string} csrf */
  constructor(csrf) {
    this._csrf = csrf;
  }

  /** @param {string} path @returns {Promise<any>} */
  async get(path) {
    return (await this.ask("GET", path)).body;
  }

  /** A list, page after page: the rows of each. @param {string} path @returns {AsyncGenerator<any[]>} */
  async *pages(path) {
    for (let next = path; next; ) {
      const page = await this.get(next);
      yield page.results;
      if (!page.next) return;
      // Its own address as a proxy knows it may be another one.
      const address = new URL(page.next, location.href);
      next = address.pathname + address.search;
    }
  }

  /**
   * Every row of a list.
   * @param {string} path @param {number} [most] rows
   */
  async all(path, most = 20_000) {
    const rows = [];
    for await (const page of this.pages(`${path}${path.includes("?") ? "&" : "?"}limit=${PAGE}`)) {
      rows.push(...page);
      if (rows.length >= most) break;
    }
    return rows;
  }

  /**
   * @param {string} method @param {string} path
   * @param {{body?: unknown, bytes?: Blob, headers?: Record<string, string>, signal?: AbortSignal}} [options]
   * @returns {Promise<{body: any, tag: string, status: number}>} raises Refusal
   */
  async ask(method, path, { body, bytes, headers = {}, signal } = {}) {
    const all = { Accept: "application/json", ...headers };
    if (method !== "GET") all["X-CSRFToken"] = this._csrf;
    if (body !== undefined) all["Content-Type"] = "application/json";
    let answer;
    try {
      const late = AbortSignal.timeout(TIMEOUT_MS);
      answer = await fetch(path, {
        method,
        headers: all,
        body: bytes ?? (body === undefined ? undefined : JSON.stringify(body)),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refusal(0, null);
    }
    const shown = await answer.json().catch(() => null);
    if (!answer.ok) throw new Refusal(answer.status, shown);
    return { body: shown, tag: answer.headers.get("ETag") ?? "", status: answer.status };
  }

  /** @param {string} path @param {unknown} [body] */
  async post(path, body) {
    return (await this.ask("POST", path, { body })).body;
  }

  /** A creation that a lost answer does not make twice. @param {string} path @param {unknown} body */
  async create(path, body) {
    const headers = { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
    try {
      return (await this.ask("POST", path, { body, headers })).body;
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 0) throw error;
      return (await this.ask("POST", path, { body, headers })).body;
    }
  }

  /** @param {string} path @param {unknown} body @param {string} tag of what the person has seen */
  async edit(path, body, tag) {
    return this.ask("PATCH", path, { body, headers: { "If-Match": tag } });
  }
}

/** @param {number} status @param {any} problem */
function wordsOf(status, problem) {
  if (status === 0) return "The server cannot be reached. Look at your connection and try again.";
  if (status === 401 || (status === 403 && problem?.code === "not_authenticated"))
    return "You are logged out. Log in in another tab, then try again here.";
  if (status === 429) return "That was a lot at once. Wait a minute and try again.";
  const fields = Object.values(problem?.errors ?? {}).flat();
  return fields[0] ?? problem?.detail ?? `The server could not do it (${status}). Try again.`;
}
