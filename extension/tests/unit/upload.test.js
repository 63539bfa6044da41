import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../../../static/studio/api.js";
import { Upload } from "../../../static/studio/upload.js";

const MIB = 1024 ** 2;
const PIECE_MAX = 8 * MIB;
const TIMEOUT_MS = 60_000;

/** The server at the other end of a line of so many bytes a second; time is what it takes. */
class Line {
  constructor(bytesPerS) {
    this.bytesPerS = bytesPerS;
    this.ms = 0;
    this.upload = { id: "u", offset: 0, size_bytes: 0, piece_max_bytes: PIECE_MAX };
    this.pieces = [];
  }

  async create(_path, { size_bytes }) {
    this.upload.size_bytes = size_bytes;
    return { ...this.upload };
  }

  async all() {
    return [];
  }

  async get() {
    return { ...this.upload };
  }

  async ask(_method, _path, { bytes, headers }) {
    const takesMs = (1000 * bytes.size) / this.bytesPerS;
    this.ms += Math.min(takesMs, TIMEOUT_MS);
    if (takesMs > TIMEOUT_MS) throw new Refusal(0, null);
    assert.equal(headers["Upload-Offset"], String(this.upload.offset));
    this.upload.offset += bytes.size;
    this.pieces.push(bytes.size);
    return { body: { ...this.upload }, tag: "", status: 200 };
  }
}

async function sent(t, bytesPerS, size) {
  const line = new Line(bytesPerS);
  t.mock.method(performance, "now", () => line.ms);
  const file = { name: "a.mp4", size, lastModified: 0, slice: (from, to) => ({ size: Math.min(to, size) - from }) };
  assert.equal(await new Upload(line, file, () => {}).send(), "u");
  assert.equal(line.upload.offset, size);
  return line;
}

test("a file gets over a slow line, in pieces that it has time for", async (t) => {
  const { pieces } = await sent(t, 50_000, 20 * MIB);
  assert.ok(Math.max(...pieces) <= MIB);
});

test("a line on which the first piece does not get through gets smaller ones", async (t) => {
  const { pieces } = await sent(t, 12_000, MIB);
  assert.ok(Math.max(...pieces) <= MIB / 4);
});

test("over a fast line pieces are as large as the server takes", async (t) => {
  const { pieces } = await sent(t, 100 * MIB, 64 * MIB);
  assert.equal(Math.max(...pieces), PIECE_MAX);
  assert.ok(pieces.length < 12);
});
