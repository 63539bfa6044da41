// What the page says of errors, notices and endings: what happened, and what to do.

/** @typedef {{text: string, action?: {label: string, href: string}, tone?: "info" | "warning" | "danger"}} Said */

const LOG_IN = { label: "Log in", href: "/account/login/" };
const USAGE = { label: "Your usage", href: "/settings/usage" };
const KEYS = { label: "Engines and keys", href: "/settings/engines" };

/** @type {Record<string, Said>} */
const SAID = {
  // The connection
  unreachable: { text: "The server cannot be reached. Trying again; what you hear goes on at the original’s full level.", tone: "warning" },
  overloaded: { text: "The server dubs as much as it can. Trying again in a while.", tone: "warning" },
  database_away: { text: "The server’s database is away. Trying again in a few seconds.", tone: "warning" },
  resumed: { text: "Connected again. Nothing was lost.", tone: "info" },
  began_anew: { text: "Connected again. The connection was away for too long: dubbing goes on from now.", tone: "warning" },
  sound_left_out: { text: "The connection is too slow for the sound: some of it was left out.", tone: "warning" },
  restarting: { text: "The server restarts. Dubbing goes on in a moment.", tone: "info" },
  taken_over: { text: "This session goes on in another tab or window. Go on there.", tone: "info" },
  session_busy: { text: "This session is being dubbed elsewhere. Stop it there, or wait a minute and start again.", tone: "warning" },
  session_forbidden: { text: "This session belongs to somebody else. Start a new one.", tone: "danger" },
  too_many_sessions: { text: "You dub as many sessions at once as you may. End one of them, then start again.", tone: "warning" },
  not_authenticated: { text: "You are logged out. Log in again to go on.", action: LOG_IN, tone: "danger" },
  credential_invalid: { text: "Your login has expired. Log in again to go on.", action: LOG_IN, tone: "danger" },
  origin_not_allowed: { text: "The server does not know the address by which you opened this page. Whoever runs it must add it to ALLOWED_HOSTS and ALLOWED_ORIGINS.", tone: "danger" },
  too_fast: { text: "This page sent too much at once and was cut off. Start again; if it happens again, tell whoever runs the server.", tone: "danger" },
  bad_address: { text: "The address of this session is not right. Open it again from the list of sessions.", tone: "danger" },
  // Dubbing
  quota_exceeded: { text: "What you may dub today is used up. Dubbing goes on tomorrow (UTC).", action: USAGE, tone: "danger" },
  quota_ending: { text: "A minute or less is left of what you may dub today.", action: USAGE, tone: "warning" },
  engine_stands_in: { text: "An engine does not answer. Another one stands in for it until it does.", tone: "warning" },
  engine_back: { text: "The engine that you chose works again.", tone: "info" },
  engines_failed: { text: "The engines cannot be started now. Choose others, or try again in a minute.", tone: "danger" },
  key_missing: { text: "An engine that you chose needs a key. Give yours, or choose another engine.", action: KEYS, tone: "danger" },
  key_refused: { text: "The vendor does not accept the key. Check it, or choose another engine.", action: KEYS, tone: "danger" },
  key_unreadable: { text: "Your key can no longer be read. Enter it again.", action: KEYS, tone: "danger" },
  quota_used_up: { text: "What was bought at the vendor is used up. Choose another engine, or buy more there.", action: KEYS, tone: "danger" },
  source_language_assumed: { text: "The engine cannot tell languages apart: it takes the source for the likeliest one. Choose the language if that is wrong.", tone: "info" },
  audio_dropped: { text: "Some of the source was not heard, because the server could not keep up.", tone: "warning" },
  media_jump: { text: "The sound jumped. Dubbing goes on from there.", tone: "info" },
  record_incomplete: { text: "The database is away: dubbing goes on, but parts of the transcript will be missing.", tone: "warning" },
  messages_lost: { text: "The connection was away for long: some captions are missing here. The transcript has them.", tone: "warning" },
  start_timeout: { text: "The engines took too long to start. Start again.", tone: "danger" },
  finish_timeout: { text: "The last words could not be dubbed in time.", tone: "warning" },
  session_lost: { text: "Another connection has taken this session over. Dubbing has ended here.", tone: "danger" },
  silent: { text: "Nothing is heard. Is the source muted or paused, or is it another one than you meant?", tone: "warning" },
};

/** Codes that say nothing to a listener: told by the page’s state already, or by the line itself. */
const UNSAID = new Set(["chunks_missing", "recognizer_restarted", "fault_over", "worker_away", "redis_away"]);
/** Errors of single lines: the line is shown as a subtitle. */
const OF_A_LINE = new Set(["engine_timeout", "engine_busy", "synthesis_failed", "translation_failed", "nothing_to_speak", "text_too_long"]);

/**
 * @param {string} code @param {string} [message] what the server said
 * @returns {Said | null} null: nothing need be said
 */
export function sayingOf(code, message = "") {
  if (UNSAID.has(code)) return null;
  if (OF_A_LINE.has(code)) return { text: `${message || "A line could not be spoken."} It is shown as a subtitle.`, tone: "info" };
  const known = SAID[code.replace(/^close_/, "")] ?? SAID[CLOSES[code] ?? ""];
  if (known) return known;
  return { text: message || "Something went wrong. Start again; if it happens again, tell whoever runs the server.", tone: "warning" };
}

/** Close codes that came without a reason. @type {Record<string, string>} */
const CLOSES = {
  close_4400: "bad_address",
  close_4401: "not_authenticated",
  close_4403: "session_forbidden",
  close_4404: "bad_address",
  close_4409: "session_busy",
  close_4410: "taken_over",
  close_4429: "too_many_sessions",
};

/** @param {import("/static/dubbing/session.js").View | null} view @param {string} connection */
export function statusOf(view, connection) {
  if (!view || view.status === "ended")
    return { new: "Not connected", connecting: "Connecting …", open: "Connected", reconnecting: "Reconnecting …", closed: "Not connected" }[connection];
  return {
    connecting: "Connecting …",
    starting: "Starting the engines …",
    dubbing: "Dubbing",
    reconnecting: "Reconnecting …",
    paused: "Paused",
    stopping: "Finishing the last words …",
  }[view.status];
}

/** @param {string} reason of a line that is not heard */
export function remarkOf(reason) {
  return {
    backlog: "Shown only: the dub was too far behind.",
    discarded: "Left out: you had gone elsewhere by then.",
    same_language: "In your language already: you hear the original.",
  }[reason] ?? "Could not be spoken; shown only.";
}

/** @param {number | null} seconds */
export function lagText(seconds) {
  return seconds === null ? "– s behind" : `${seconds.toFixed(1)} s behind`;
}
