import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CAPTURE_S, DRIFT_S, LEFT_S, Subtitles, languageOf, spokenIn } from "../../shared/subtitles.js";

const golden = JSON.parse(readFileSync(new URL("../../fixtures/wire.json", import.meta.url), "utf8")).text;
const track = (language, kind = "subtitles") => ({ language, kind });
const cues = [
  { start: 10, end: 12, text: "One." },
  { start: 13, end: 15, text: "Two." },
  { start: 60, end: 62, text: "Three." },
];

/** A player at `position`, and media time `mediaS`, one second after another. */
function player({ position = 10, mediaS = 0, rate = 1, until } = {}) {
  const subtitles = new Subtitles();
  let at = 1000;
  return {
    subtitles,
    pass(seconds, { stalled = 0 } = {}) {
      at += seconds * 1000;
      mediaS += seconds;
      position += (seconds - stalled) * rate;
    },
    look(more = {}) {
      const ahead = cues.filter(({ end, start }) => end > position - 1 && start < position + 30);
      subtitles.take({ language: "de", cues: ahead, until: until ?? position + 30, position, at, rate, ...more });
      return subtitles.message(mediaS, at);
    },
    tell: () => subtitles.message(mediaS, at),
  };
}

test("a window becomes the message that the server takes", () => {
  const subtitles = new Subtitles();
  subtitles.take(golden.window);
  assert.deepEqual({ type: "source_text", ...subtitles.message(golden.mediaS, golden.nowMs) }, golden.message);
});

test("what is known is not told again, until little of it is left", () => {
  const one = player();
  assert.equal(one.look().cues.length, 2);
  for (let second = 1; second < 30 - LEFT_S; second += 1) {
    one.pass(1);
    assert.equal(one.look(), null, `second ${second}`);
  }
  one.pass(2);
  const more = one.look();
  assert.deepEqual(more.cues, []);
  assert.ok(Math.abs(more.until_s - more.from_s - 30 - CAPTURE_S) < 1e-6);
});

test("a player that stalls has everything told again at its new times", () => {
  const one = player();
  const before = one.look().cues[1];
  one.pass(1, { stalled: DRIFT_S / 2 });
  assert.equal(one.look(), null);
  one.pass(1, { stalled: 0.5 });
  const after = one.look().cues[1];
  assert.ok(Math.abs(after.start_s - before.start_s - 0.5 - DRIFT_S / 2) < 0.002);
});

test("a cue that was added or mended is told", () => {
  const one = player();
  one.look();
  one.pass(1);
  const mended = [{ start: 13, end: 15, text: "Two, then." }, { start: 16, end: 17, text: "More." }];
  assert.deepEqual(one.look({ cues: mended }).cues.map(({ text }) => text), ["Two, then.", "More."]);
});

test("after a jump nothing is told before it is known where the player is", () => {
  const one = player();
  one.look();
  one.subtitles.lose();
  one.subtitles.again();
  assert.equal(one.tell(), null);
  assert.equal(one.look().cues.length, 2);
});

test("a new run is told everything, at once where it is known", () => {
  const one = player();
  const first = one.look();
  one.subtitles.again();
  assert.deepEqual(one.tell(), first);
});

test("a faster player says more in the same time", () => {
  const [first, second] = player({ rate: 2 }).look().cues;
  assert.equal(first.end_s, 1 + CAPTURE_S);
  assert.equal(second.start_s, 1.5 + CAPTURE_S);
});

test("a track that is gone is taken back once, and one that never was is not spoken of", () => {
  const one = player();
  one.look();
  one.pass(1);
  const back = one.look({ cues: [], until: 11 });
  assert.equal(back.from_s, back.until_s);
  one.pass(1);
  assert.equal(one.look({ cues: [], until: 12 }), null);
  assert.equal(player().look({ cues: [], until: 10 }), null);
});

test("captions that come late are told as far as they are known", () => {
  const one = player({ position: 14, until: 15 });
  const { cues: told, from_s: from, until_s: until } = one.look();
  assert.deepEqual(told.map(({ text }) => text), ["Two."]);
  assert.equal(until, 1 + CAPTURE_S);
  assert.equal(from, 0);
});

test("no message has more cues than the server takes", () => {
  const many = Array.from({ length: 100 }, (_, n) => ({ start: 10 + n / 10, end: 10.1 + n / 10, text: `c${n}` }));
  const told = player().look({ cues: many });
  assert.equal(told.cues.length, 64);
  assert.equal(told.until_s, told.cues.at(-1).end_s);
});

test("a window without sense is none", () => {
  for (const wrong of [{ position: NaN }, { rate: 0 }, { until: Infinity }, { at: undefined }])
    assert.equal(player().look(wrong), null, JSON.stringify(wrong));
});

test("what is said is told without markup, sounds and music", () => {
  assert.deepEqual(spokenIn("<v Ida>Good <b>morning</b>,\nall."), ["Good morning, all."]);
  assert.deepEqual(spokenIn("- Who?\n- Me."), ["Who?", "Me."]);
  assert.deepEqual(spokenIn("- Only me."), ["Only me."]);
  assert.deepEqual(spokenIn("[door] Come in. ♪ la la ♪"), ["Come in."]);
  assert.deepEqual(spokenIn("(laughs)\nI (really) do."), ["I (really) do."]);
  for (const nothing of ["", " \n", "♪", "[music]", "…", "(sighs)"]) assert.deepEqual(spokenIn(nothing), [], nothing);
});

for (const [why, tracks, source, target, found] of [
  ["the language that is named", [track("de-AT"), track("fr")], "de", "es", "de"],
  ["none in another language", [track("fr")], "de", "es", ""],
  ["one that says nothing of itself", [track("")], "de", "es", "de"],
  ["not the target's", [track("es")], "es", "es", ""],
  ["captions, when nothing is named", [track("fr"), track("de", "captions")], "auto", "es", "de"],
  ["the only one", [track("de"), track("es")], "auto", "es", "de"],
  ["none among several", [track("de"), track("fr")], "auto", "es", ""],
  ["none where there is none", [], "auto", "es", ""],
])
  test(`the track that is read is ${why}`, () => assert.equal(languageOf(tracks, source, target), found));
