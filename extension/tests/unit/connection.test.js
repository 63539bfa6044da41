import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Connection, TicketError, socketAddress } from "../../shared/connection.js";
import { KEEP_S, KeptMessages } from "../../shared/kept.js";
import { PlayoutClock } from "../../shared/playout.js";
import { Captions } from "../../shared/captions.js";
import { decodeSourceFrame, encodeCueFrame } from "../../shared/wire.js";

/** The far end of a socket, scripted: a WebSocket as a browser has it. */
class ScriptedSocket {
  static opened = [];
  static refuse = null;

  constructor(address, protocols) {
    Object.assign(this, { address: new URL(address), protocols, readyState: 0, bufferedAmount: 0, sent: [] });
    ScriptedSocket.opened.push(this);
    queueMicrotask(() => {
      if (ScriptedSocket.refuse) return this.end(ScriptedSocket.refuse);
      this.readyState = 1;
    });
  }

  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : decodeSourceFrame(data));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }

  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  resumed(how, chunk = -1, number = 0) {
    this.say({ type: "resumed", how, chunk, number, sequence: -1 });
  }

  sound(sequence, cue, samples, last = false) {
    const pcm = new Int16Array(samples);
    this.onmessage({ data: encodeCueFrame({ sequence, cue, mediaTimeUs: 0, last, pcm }) });
  }

  end(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

const soon = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));
let open = [];

function connected(options = {}) {
  ScriptedSocket.opened = [];
  ScriptedSocket.refuse = null;
  let tickets = 0;
  const connection = new Connection({
    server: "https://dub.example.org",
    ticket: async () => `ticket.${++tickets}`,
    Socket: ScriptedSocket,
    random: () => 0.5,
    ...options,
  });
  open.push(connection);
  const told = [];
  for (const type of ["state", "message", "sound", "resumed", "end", "waiting"])
    connection.addEventListener(type, ({ detail }) => told.push([type, detail]));
  connection.open();
  return { connection, told, of: (type) => told.filter(([name]) => name === type).map(([, detail]) => detail) };
}

const socket = () => ScriptedSocket.opened.at(-1);
const samples = (value) => new Int16Array(640).fill(value);

afterEach(() => {
  for (const connection of open) connection.close();
  open = [];
});

test("each socket gets a ticket of its own, and says where it left off", async () => {
  const { connection } = connected();
  connection.start({ target_language: "es" });
  await soon();
  assert.deepEqual(socket().protocols, ["dub.v1", "ticket.1"]);
  assert.equal(socket().address.host, "dub.example.org");
  assert.equal(socket().address.protocol, "wss:");
  socket().resumed("new");
  assert.deepEqual(socket().sent, [{ type: "start_dubbing", target_language: "es", number: 1 }]);
  socket().say({ type: "ready", sequence: 0 });
  socket().say({ type: "cue", cue: 0, sequence: 1 });
  socket().sound(2, 0, 100);
  socket().end(1006);
  await soon(200);
  assert.deepEqual(socket().protocols, ["dub.v1", "ticket.2"]);
  assert.equal(socket().address.search, "?resume=2&cue=0&samples=100");
});

test("after a break what the server has not taken goes again, in order, then what is new", async () => {
  const { connection, of } = connected();
  connection.start({ target_language: "es" });
  await soon();
  socket().resumed("new");
  for (let i = 0; i < 5; i += 1) connection.sendSound(samples(i), i * 0.04);
  socket().end(1006);
  connection.sendSound(samples(5), 0.2);
  await soon(200);
  socket().resumed("same", 2, 1);
  connection.sendSound(samples(6), 0.24);
  assert.deepEqual(
    socket().sent.map((frame) => [frame.sequence, frame.pcm[0]]),
    [3, 4, 5, 6].map((n) => [n, n]),
  );
  assert.deepEqual(of("state"), ["connecting", "open", "reconnecting", "open"]);
});

test("when nothing is left over there, dubbing starts again and old sound is not sent", async () => {
  const { connection, of } = connected();
  connection.start({ target_language: "es" });
  await soon();
  socket().resumed("new");
  for (let i = 0; i < 5; i += 1) connection.sendSound(samples(i), i * 0.04);
  socket().end(1012);
  await soon(200);
  socket().resumed("new");
  connection.sendSound(samples(9), 9);
  const [start, frame] = socket().sent;
  assert.deepEqual(start, { type: "start_dubbing", target_language: "es", number: 2 });
  assert.equal(frame.sequence, 5);
  assert.deepEqual(of("resumed"), ["first", "new"]);
});

test("a buffer that does not empty holds sound back, and nothing is lost", async () => {
  const { connection } = connected();
  connection.start({ target_language: "es" });
  await soon();
  socket().resumed("new");
  socket().bufferedAmount = 100_000;
  for (let i = 0; i < 5; i += 1) connection.sendSound(samples(i), i * 0.04);
  assert.equal(socket().sent.length, 1);
  socket().bufferedAmount = 0;
  await soon(120);
  assert.equal(socket().sent.length, 6);
});

test("nothing of a run that was replaced is handed over", async () => {
  const { connection, of } = connected();
  connection.start({ target_language: "es" });
  await soon();
  socket().resumed("new");
  socket().say({ type: "ready", sequence: 0 });
  connection.start({ target_language: "fr" });
  socket().say({ type: "cue", cue: 0, sequence: 1 });
  socket().sound(2, 0, 10, true);
  socket().say({ type: "cue_end", cue: 0, sequence: 3 });
  socket().say({ type: "summary", sequence: 4 });
  socket().say({ type: "ready", sequence: 5 });
  socket().say({ type: "cue", cue: 1, sequence: 6 });
  socket().sound(7, 1, 10, true);
  assert.deepEqual(of("sound").map((frame) => frame.cue), [1]);
  assert.deepEqual(of("message").map((message) => message.type), ["ready", "ready", "cue"]);
});

test("text names the run that it belongs to, and waits for a connection to be told at all", async () => {
  const { connection } = connected();
  const text = { language: "de", from_s: 1, until_s: 2, cues: [] };
  assert.equal(connection.sendText(text), false);
  connection.start({ target_language: "es" });
  assert.equal(connection.sendText(text), false);
  await soon();
  socket().resumed("new");
  assert.equal(connection.sendText(text), true);
  connection.start({ target_language: "fr" });
  connection.sendText(text);
  assert.deepEqual(
    socket().sent.filter(({ type }) => type === "source_text").map(({ run, number }) => [run, number]),
    [[1, 2], [3, 4]],
  );
  connection.stop();
  assert.equal(connection.sendText(text), false);
});

test("what is not wanted is discarded once, and not when dubbing begins anew", async () => {
  const { connection } = connected();
  connection.start({ target_language: "es" });
  await soon();
  socket().resumed("new");
  connection.start({ target_language: "es", discard: true });
  connection.stop({ discard: true });
  connection.start({ target_language: "es", discard: true });
  assert.deepEqual(socket().sent.map(({ type, discard }) => [type, discard]), [
    ["start_dubbing", undefined],
    ["start_dubbing", true],
    ["stop_dubbing", true],
    ["start_dubbing", true],
  ]);
  socket().end(1006);
  await soon(200);
  socket().resumed("new");
  assert.deepEqual(socket().sent, [{ type: "start_dubbing", target_language: "es", number: 5 }]);
});

test("a refused restart leaves the run in hand its cues", async () => {
  const { connection, of } = connected();
  connection.start({ target_language: "es" });
  await soon();
  socket().resumed("new");
  socket().say({ type: "ready", sequence: 0 });
  connection.start({ target_language: "??" });
  socket().say({ type: "error", code: "language_invalid", message: "", sequence: 1 });
  socket().say({ type: "cue", cue: 0, sequence: 2 });
  assert.equal(of("message").at(-1).type, "cue");
});

for (const [code, final] of [
  [4401, true],
  [4403, true],
  [4410, true],
  [4429, true],
  [1000, true],
  [1006, false],
  [1011, false],
  [1012, false],
])
  test(`close code ${code} ${final ? "is final" : "is tried again"}`, async () => {
    const { connection, of } = connected();
    await soon();
    socket().resumed("new");
    socket().say({ type: "closing", code: "why", message: "Because.", close_code: code, resume: !final, sequence: -1 });
    socket().end(code);
    await soon(200);
    assert.equal(ScriptedSocket.opened.length, final ? 1 : 2);
    assert.equal(connection.state, final ? "closed" : "reconnecting");
    if (final) assert.deepEqual(of("end"), [{ code: "why", message: "Because.", closeCode: code }]);
  });

test("a token that counts no more ends it; an unreachable server does not", async () => {
  const refused = connected({
    ticket: async () => {
      throw new TicketError("not_paired", "Pair again.", { final: true });
    },
  });
  await soon();
  assert.deepEqual(refused.of("end"), [{ code: "not_paired", message: "Pair again.", closeCode: 0 }]);
  const away = connected({
    ticket: async () => {
      throw new TypeError("Failed to fetch");
    },
  });
  await soon(60);
  assert.equal(away.connection.state, "connecting");
});

test("sound that waits too long is left out, and that is said once", async () => {
  let now = 0;
  const { connection } = connected({ now: () => now });
  const said = [];
  connection.addEventListener("leftout", ({ detail }) => said.push(detail));
  connection.start({ target_language: "es" });
  await soon();
  for (now = 0; now < 30_000; now += 1000) connection.sendSound(samples(1), now / 1000);
  assert.equal(said.length, 1);
});

test("closing says that we do not come back", async () => {
  const { connection } = connected();
  await soon();
  socket().resumed("new");
  const last = socket();
  connection.close();
  assert.equal(last.closedWith, 1000);
});

test("what was sent is kept for another process, and what waits too long is left out", () => {
  const kept = new KeptMessages();
  const add = (chunk, at) => kept.add({ data: new ArrayBuffer(0), chunk, number: 0, at }, at);
  for (let chunk = 0; chunk < 10; chunk += 1) add(chunk, chunk * 1000);
  while (kept.next());
  kept.acknowledge({ chunk: 9, number: 0 });
  add(10, 10_000);
  assert.equal(kept.length, 11);
  add(11, 5000 + KEEP_S * 1000);
  assert.equal(kept.length, 6);
  for (let chunk = 12; chunk < 60; chunk += 1) add(chunk, 20_000 + (chunk - 12) * 1000);
  assert.ok(kept.leftOut > 20 && kept.waiting <= 21);
});

test("addresses of sockets follow the server's", () => {
  assert.equal(socketAddress("https://a.example:8443/x"), "wss://a.example:8443");
  assert.equal(socketAddress("http://127.0.0.1:8000"), "ws://127.0.0.1:8000");
});

test("the delay follows the slowest of the last cues, and the offset is bounded", () => {
  const clock = new PlayoutClock();
  clock.reset(10);
  assert.equal(clock.due(1, 11.01), 11 + 0.01 + 0.1);
  assert.ok(Math.abs(clock.due(2, 12.2) - 12.3) < 1e-9);
  for (let i = 3; i < 15; i += 1) clock.due(i, 10 + i);
  assert.equal(clock.delayS, 0.1);
  clock.setOffset(-99);
  assert.equal(clock.offsetS, -5);
});

test("lines gather what is told of them, speakers keep their colour, and both are bounded", () => {
  const captions = new Captions();
  captions.take({ type: "partial_transcript", text: "And so" });
  assert.equal(captions.partial, "And so");
  captions.take({ type: "transcript", line: 3, text: "And so", speaker: "speaker 1", start_s: 1, end_s: 2 });
  captions.take({ type: "speaker", speaker: "speaker 1", voice_name: "Voz", shaped: false });
  captions.take({ type: "speaker", speaker: "speaker 2", voice_name: "Voz", shaped: false });
  captions.take({ type: "speaker", speaker: "speaker 1", voice_name: "Voz", shaped: true });
  const line = captions.take({ type: "translation", line: 3, text: "Y así" });
  assert.deepEqual([line.source, line.text, line.how, captions.partial], ["And so", "Y así", "waiting", ""]);
  assert.deepEqual(captions.speakers.map(({ colour, shaped }) => [colour, shaped]), [[0, true], [1, false]]);
  for (let n = 4; n < 300; n += 1) captions.take({ type: "translation", line: n, text: "x" });
  assert.equal(captions.lines.length, 200);
});
