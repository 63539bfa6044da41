// Times and names as people read them.

/** `4:07` or `1:02:03`, with tenths `4:07.5`. @param {number} seconds @param {boolean} [tenths] */
export function clock(seconds, tenths = false) {
  const whole = tenths ? Math.round(seconds * 10) / 10 : Math.floor(seconds + 1e-6);
  const rest = (whole % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

const FIELDS = {
  source_text: "original text",
  target_text: "translation",
  start_s: "start",
  end_s: "end",
  speaker: "speaker",
  voice: "voice",
  style: "style",
  name: "name",
};

/** What is shown of fields; others belong to one of these. @param {string} field */
export const fieldName = (field) => FIELDS[field] ?? "";

/** @param {string[]} fields */
export function fieldNames(fields) {
  return fields.map(fieldName).filter(Boolean).join(", ");
}

/** Why a line was not spoken, or is heard no more. @param {string} problem */
export function problemWords(problem) {
  if (problem === "voice_withdrawn") return "The consent to its voice has ended: its sound is not used any more. Dub again, and it is spoken in another voice.";
  return `It could not be spoken the last time (${problem.replaceAll("_", " ")}).`;
}

/** A time of today by its hour, another by its day too. @param {string} at ISO 8601 */
export function whenSaid(at) {
  const time = new Date(at);
  const today = time.toDateString() === new Date().toDateString();
  return time.toLocaleString(undefined, { ...(today ? {} : { dateStyle: "medium" }), timeStyle: "short" });
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/** What they are called, or `Speaker 1` for `S1`. @param {string | null} label @param {any[]} speakers */
export function speakerName(label, speakers) {
  if (!label) return "Unknown speaker";
  return speakers.find((one) => one.label === label)?.name || label.replace(/^S(\d+)$/, "Speaker $1");
}

/**
 * Who wrote or changed something, as far as the reader may know.
 * @param {number | null} by @param {{user: number, owner: number, people: Record<string, string>}} page
 */
export function personName(by, page) {
  if (by === page.user) return "You";
  if (by === null) return "Somebody whose account is deleted";
  return page.people[by] ?? (by === page.owner ? "The owner" : "Somebody this was shared with");
}

/** @param {string} tag @param {string} css @param {string} [text] */
export function element(tag, css, text) {
  const made = document.createElement(tag);
  if (css) made.className = css;
  if (text !== undefined) made.textContent = text;
  return made;
}
