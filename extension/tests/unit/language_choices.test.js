import assert from "node:assert/strict";
import { test } from "node:test";
import { languageChoices } from "../../src/ui/language_choices.js";

const pair = (source, target) => ({ source, target });
const server = {
  pairs: [pair("en", "es"), pair("en", "ca")],
  translates: [pair("en", "es"), pair("en", "ca"), pair("en", "gl"), pair("ca", "en"), pair("es", "en"), pair("oc", "gl")],
  speaks: ["en", "es", "ca"],
};
const chosen = { source: "auto", target: "es" };
const shown = (choices) => Object.fromEntries(choices.map(({ code, written }) => [code, written]));

test("subtitles bring every language that is translated into one that is spoken, marked", () => {
  const { sources, targets } = languageChoices(server, true, chosen);
  assert.deepEqual(shown(sources), { auto: false, en: false, ca: true, es: true });
  assert.deepEqual(shown(targets), { es: false, ca: false, en: true });
});

test("without them there is what is recognised", () => {
  const { sources, targets } = languageChoices(server, false, chosen);
  assert.deepEqual(shown(sources), { auto: false, en: false });
  assert.deepEqual(shown(targets), { es: false, ca: false });
});

test("what was chosen stays a choice, and says what it needs", () => {
  const { sources, targets } = languageChoices(server, false, { source: "ca", target: "xx" });
  assert.deepEqual(shown(sources), { en: false, ca: true });
  assert.deepEqual(shown(targets), { es: false, ca: false, xx: false });
});
