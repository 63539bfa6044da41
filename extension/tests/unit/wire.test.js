import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as wire from "../../shared/wire.js";

const golden = JSON.parse(readFileSync(new URL("../../fixtures/wire.json", import.meta.url), "utf8"));
const toBytes = (hex) => new Uint8Array(Buffer.from(hex, "hex")).buffer;
const toHex = (buffer) => Buffer.from(buffer).toString("hex");

test("source frames have the server's bytes, both ways", () => {
  for (const { bytes, sequence, mediaTimeUs, pcm } of golden.source) {
    const frame = { sequence, mediaTimeUs, pcm: Int16Array.from(pcm) };
    assert.equal(toHex(wire.encodeSourceFrame(frame)), bytes);
    assert.deepEqual(wire.decodeSourceFrame(toBytes(bytes)), frame);
  }
  assert.ok(golden.source.length >= 3);
});

test("cue frames have the server's bytes, both ways", () => {
  for (const { bytes, pcm, ...rest } of golden.cue) {
    const frame = { ...rest, pcm: Int16Array.from(pcm) };
    assert.deepEqual(wire.decodeCueFrame(toBytes(bytes)), frame);
    assert.equal(toHex(wire.encodeCueFrame(frame)), bytes);
  }
});

test("what the server refuses is refused, with the same code", () => {
  for (const { bytes, by, code } of golden.refused) {
    const decode = by === "decode_frame" ? wire.decodeSourceFrame : wire.decodeCueFrame;
    assert.throws(() => decode(toBytes(bytes)), { name: "WireError", code }, `${by} ${bytes}`);
  }
});
