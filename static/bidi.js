// Names in another direction of writing: without care they turn the sentence around them.

const RIGHT_TO_LEFT = "[\\p{Script=Hebrew}\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Thaana}\\p{Script=Nko}\\p{Script=Adlam}]";
const ANY = new RegExp(RIGHT_TO_LEFT, "u");
const FIRST = new RegExp(`^\\P{L}*${RIGHT_TO_LEFT}`, "u");

/** A name inside a sentence; one that is written rightwards stays as it is. @param {string} name */
export const isolated = (name) => (ANY.test(name) ? `\u2068${name}\u2069` : name);

/** Whether a text is written leftwards, by its first letter as `dir="auto"` does. @param {string} text */
export const runsLeftwards = (text) => FIRST.test(text);
