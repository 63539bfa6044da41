import assert from "node:assert/strict";
import { test } from "node:test";
import { Framer } from "../../shared/framer.js";
import { toMono, toPcm16, toFloat } from "../../shared/pcm.js";
import { Resampler } from "../../shared/resampler.js";

const tone = (hz, rate, count, level = 0.5) =>
  Float32Array.from({ length: count }, (_, i) => level * Math.sin((2 * Math.PI * hz * i) / rate));

/** Level of a tone in decibels below full scale, by a single bin of the transform. */
function level(samples, hz, rate) {
  let re = 0;
  let im = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / samples.length);
    re += samples[i] * window * Math.cos((2 * Math.PI * hz * i) / rate);
    im += samples[i] * window * Math.sin((2 * Math.PI * hz * i) / rate);
  }
  return 20 * Math.log10((4 * Math.hypot(re, im)) / samples.length + 1e-12);
}

function inBlocks(resampler, samples, size) {
  const parts = [];
  for (let at = 0; at < samples.length; at += size) parts.push(resampler.process(samples.subarray(at, at + size)));
  parts.push(resampler.flush());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

const rates = [
  [48_000, 16_000],
  [44_100, 16_000],
  [96_000, 16_000],
  [16_000, 48_000],
  [16_000, 44_100],
  [22_050, 48_000],
  [24_000, 44_100],
];

for (const [from, to] of rates)
  test(`${from} to ${to} Hz keeps a tone, its place and its length, whatever the blocks`, () => {
    const input = tone(1000, from, from);
    const output = inBlocks(new Resampler(from, to), input, 128);
    assert.equal(output.length, to);
    assert.deepEqual(output, inBlocks(new Resampler(from, to), input, 1000));
    const expected = tone(1000, to, to);
    const margin = Math.round(to / 50);
    let worst = 0;
    for (let i = margin; i < to - margin; i += 1) worst = Math.max(worst, Math.abs(output[i] - expected[i]));
    assert.ok(worst < 0.002, `differs by ${worst}`);
  });

for (const from of [44_100, 48_000])
  test(`from ${from} Hz nothing above 8 kHz folds back`, () => {
    for (const hz of [8400, 9500, 12_000, 15_000]) {
      const output = inBlocks(new Resampler(from, 16_000), tone(hz, from, from), 128).subarray(800, 15_200);
      const peak = output.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      assert.ok(20 * Math.log10(peak / 0.5) < -60, `${hz} Hz leaves ${20 * Math.log10(peak / 0.5)} dB`);
      if (hz > 9000) assert.ok(level(output, 16_000 - hz, 16_000) < -85);
    }
    const kept = inBlocks(new Resampler(from, 16_000), tone(6400, from, from), 128).subarray(800, 15_200);
    assert.ok(Math.abs(level(kept, 6400, 16_000) + 6.02) < 0.6);
  });

test("a rate that is no rate is refused", () => {
  assert.throws(() => new Resampler(0, 16_000), RangeError);
});

test("frames are contiguous, of one length, and silence counts as sound", () => {
  const framer = new Framer(48_000, 40);
  const input = tone(440, 48_000, 48_000);
  const frames = [];
  for (let at = 0; at < input.length; at += 128) frames.push(...framer.push([input.slice(at, at + 128)], 128));
  for (let i = 0; i < 375; i += 1) frames.push(...framer.push([], 128));
  assert.equal(frames.length, 49);
  assert.deepEqual(
    frames.map((frame) => frame.position),
    frames.map((_, index) => index * 640),
  );
  assert.ok(frames.every((frame) => frame.pcm.length === 640));
  assert.ok(frames[10].peak > 0.49 && frames[40].peak === 0);
});

test("samples are clipped, not wrapped, and channels are averaged", () => {
  assert.deepEqual([...toPcm16(Float32Array.of(0, 1, -1, 2, -2, 0.5))], [0, 32767, -32768, 32767, -32768, 16384]);
  assert.deepEqual([...toFloat(Int16Array.of(-32768, 16384))], [-1, 0.5]);
  assert.deepEqual([...toMono([Float32Array.of(1, 0), Float32Array.of(0, 0.5)])], [0.5, 0.25]);
});
