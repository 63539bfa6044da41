import assert from "node:assert/strict";
import { test } from "node:test";
import { Limiter } from "../../shared/limiter.js";
import { LATE_MAX_S, Mixer, PATIENCE_S } from "../../shared/mixer.js";

const RATE = 48_000;
const BLOCK = 128;

/** A mixer with a constant original of 0.1, run block by block, its output and events kept. */
class Bench {
  constructor() {
    this.mixer = new Mixer(RATE);
    this.frame = 0;
    this.heard = [];
    this.events = [];
    this.original = new Float32Array(BLOCK).fill(0.1);
  }

  run(seconds) {
    for (const end = this.frame + Math.round(seconds * RATE); this.frame < end; this.frame += BLOCK) {
      const left = new Float32Array(BLOCK);
      this.mixer.process([this.original], [left, new Float32Array(BLOCK)], this.frame);
      for (const sample of left) this.heard.push(sample);
      this.events.push(...this.mixer.take());
    }
    return this;
  }

  /** What was heard at a time, the limiter's delay taken off. */
  at(seconds) {
    return this.heard[Math.round(seconds * RATE) + this.mixer.delay];
  }

  cue(cue, startS, speaker) {
    this.mixer.command({ type: "cue", cue, frame: Math.round(startS * RATE), speaker });
  }

  /** Sound of a constant 0.3. */
  sound(cue, seconds, last = true) {
    const samples = new Float32Array(Math.round(seconds * RATE)).fill(0.3);
    this.mixer.command({ type: "sound", cue, samples, last });
  }

  told(type) {
    return this.events.filter((event) => event.type === type);
  }
}

/** The largest step between two samples that were heard, of a stretch that holds a break. */
function step(heard, fromS, toS) {
  const part = heard.slice(Math.round(fromS * RATE), Math.round(toS * RATE));
  return Math.max(...part.slice(1).map((sample, i) => Math.abs(sample - part[i])));
}

const near = (value, wanted, tolerance = 0.002) =>
  assert.ok(Math.abs(value - wanted) < tolerance, `${value} is not ${wanted}`);

test("a cue begins on its very sample, whole and without a gap, over the lowered original", () => {
  const bench = new Bench();
  bench.cue(0, 1.0001);
  bench.sound(0, 0.5, false);
  bench.sound(0, 0.25);
  bench.run(3);
  const [began] = bench.told("began");
  assert.equal(began.frame, Math.round(1.0001 * RATE));
  assert.equal(bench.told("ended")[0].samples, 0.75 * RATE);
  assert.equal(bench.told("ended")[0].gaps, 0);
  for (let t = 1.01; t < 1.745; t += 0.001) near(bench.at(t), 0.3 + 0.015);
});

test("the original is down when the cue begins, held after it, and up again 600 ms later", () => {
  const bench = new Bench();
  bench.cue(0, 1);
  bench.sound(0, 0.5);
  bench.run(4);
  near(bench.at(0.87), 0.1);
  near(bench.at(0.999), 0.015);
  near(bench.at(1.9), 0.015);
  assert.ok(bench.at(2.3) > 0.03 && bench.at(2.3) < 0.09);
  near(bench.at(2.7), 0.1);
});

test("cues never overlap: the next one waits for the end of the one before", () => {
  const bench = new Bench();
  bench.cue(0, 0.5);
  bench.sound(0, 1);
  bench.cue(1, 1.2);
  bench.sound(1, 0.2);
  bench.run(3);
  const [first] = bench.told("ended");
  const second = bench.told("began")[1];
  assert.ok(second.frame >= first.frame + 0.03 * RATE && second.frame < first.frame + 0.04 * RATE);
  near(bench.at(1.515), 0.015);
});

test("a cue that runs dry brings the original back within 200 ms, and then goes on", () => {
  const bench = new Bench();
  bench.cue(0, 0.5);
  bench.sound(0, 0.3, false);
  bench.run(1.0);
  near(bench.at(0.79), 0.315);
  near(bench.at(0.99), 0.1);
  assert.ok(step(bench.heard, 0.78, 0.85) < 0.004, "it falls silent without a click");
  bench.sound(0, 0.3);
  bench.run(1.5);
  assert.equal(bench.told("stalled").length, 1);
  assert.equal(bench.told("ended")[0].samples, Math.round(0.6 * RATE));
  assert.equal(bench.told("ended")[0].gaps, 1);
});

test("an announced cue without sound lowers nothing and is given up", () => {
  const bench = new Bench();
  bench.cue(0, 0.5);
  bench.run(0.5 + PATIENCE_S + 0.5);
  assert.ok(bench.heard.slice(bench.mixer.delay).every((sample) => Math.abs(sample - 0.1) < 1e-6));
  assert.deepEqual(bench.told("dropped"), [{ type: "dropped", cue: 0, why: "silent" }]);
});

test("a cue that is far too late is not heard", () => {
  const bench = new Bench();
  bench.run(LATE_MAX_S + 1);
  bench.cue(0, 0.5);
  bench.sound(0, 0.2);
  bench.run(0.5);
  assert.deepEqual(bench.told("dropped"), [{ type: "dropped", cue: 0, why: "late" }]);
  near(bench.at(LATE_MAX_S + 1.2), 0.1);
});

test("clearing silences the dub at once and gives the original back within 200 ms", () => {
  const bench = new Bench();
  bench.cue(0, 0.5);
  bench.sound(0, 3);
  bench.run(1);
  near(bench.at(0.99), 0.315);
  bench.mixer.command({ type: "clear" });
  bench.run(0.5);
  near(bench.at(1.2), 0.1);
  assert.ok(bench.at(1.008) < 0.05, "the dub is gone within some milliseconds");
  assert.ok(step(bench.heard, 0.99, 1.05) < 0.004, "and without a click");
  const [cleared] = bench.told("cleared");
  assert.ok(Math.abs(cleared.frame - RATE) <= 128);
});

test("original only: cues pass unheard, the original stays at its level", () => {
  const bench = new Bench();
  bench.mixer.command({ type: "volumes", bypass: true });
  bench.run(0.1);
  bench.cue(0, 0.5);
  bench.sound(0, 0.5);
  bench.run(1);
  near(bench.at(0.7), 0.1);
  assert.equal(bench.told("ended").length, 1);
});

test("volumes, floor and a speaker's gain are heard", () => {
  const bench = new Bench();
  bench.mixer.command({ type: "volumes", original: 0.5, dub: 0.5, floor: 0.4 });
  bench.mixer.command({ type: "speaker", speaker: "A", gain: 0 });
  bench.cue(0, 0.5, "A");
  bench.sound(0, 0.5);
  bench.cue(1, 1.2, "B");
  bench.sound(1, 0.5);
  bench.run(2);
  near(bench.at(0.2), 0.05);
  near(bench.at(0.8), 0.02);
  near(bench.at(1.5), 0.17);
});

test("a floor of nothing is silence, and comes back", () => {
  const bench = new Bench();
  bench.mixer.command({ type: "volumes", floor: 0 });
  bench.cue(0, 0.5);
  bench.sound(0, 0.5);
  bench.run(3);
  near(bench.at(0.7), 0.3, 1e-6);
  near(bench.at(2.5), 0.1);
});

test("a cue told again by another server does not begin twice", () => {
  const bench = new Bench();
  bench.cue(0, 0.5);
  bench.sound(0, 0.2, false);
  bench.run(0.6);
  bench.cue(0, 0.9);
  bench.sound(0, 0.2);
  bench.run(1);
  assert.equal(bench.told("began").length, 1);
  assert.equal(bench.told("ended")[0].samples, Math.round(0.4 * RATE));
});

test("the limiter lets nothing above its ceiling and leaves quiet sound alone", () => {
  const limiter = new Limiter(RATE, 0.97);
  let most = 0;
  let seed = 1;
  for (let block = 0; block < 600; block += 1) {
    const left = new Float32Array(BLOCK);
    for (let i = 0; i < BLOCK; i += 1) {
      seed = (seed * 16807) % 2147483647;
      const burst = block % 50 < 7 ? 3 : 0.2;
      left[i] = burst * ((seed / 2147483647) * 2 - 1);
    }
    const right = left.slice();
    limiter.process(left, right);
    for (const sample of left) most = Math.max(most, Math.abs(sample));
    assert.deepEqual(left, right);
  }
  assert.ok(most <= 0.9701, `${most}`);
  const quiet = new Limiter(RATE);
  const input = Float32Array.from({ length: BLOCK * 4 }, (_, i) => 0.5 * Math.sin(i / 9));
  const left = input.slice();
  quiet.process(left, input.slice());
  assert.deepEqual(left.slice(quiet.delay), input.slice(0, -quiet.delay));
});
