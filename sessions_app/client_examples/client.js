// Dub sound in a browser: `chunks` is any async iterable of Int16Array, mono, 16 kHz, as spoken.
// `hear` gets an Int16Array, its rate and the media time in seconds to play it at.
// A connection that breaks on the way is opened again, and nothing is missed.

const HEADER = 20;
const KEEP_MS = 15_000; // another server process may need again what this one has taken
const PATIENCE_MS = 15_000;
const COME_BACK = [1001, 1006, 1011, 1012, 1013];

function frame(number, mediaTime, pcm) {
  const data = new ArrayBuffer(HEADER + pcm.byteLength);
  const header = new DataView(data);
  header.setUint8(0, 1); // source sound
  header.setUint32(4, number, true);
  header.setBigUint64(12, BigInt(Math.round(mediaTime * 1e6)), true);
  new Int16Array(data, HEADER).set(pcm);
  return data;
}

export function dub({ server, token, language, chunks, read, hear }) {
  const session = crypto.randomUUID();
  const rates = new Map();
  const kept = []; // what went out and may be needed again
  let taken = { chunk: -1, number: 0 }; // what the server has
  let last = -1; // sequence of its last message
  let cue = 0; // the first cue whose sound is not complete
  let samples = 0; // and what came of it
  let number = 0;
  let socket = null; // the connection, once it has resumed
  let alive = Date.now();
  let sending = null;
  let ended = false;

  function say(data, chunk, number) {
    kept.push({ data, chunk, number, at: Date.now() });
    while (
      kept[0].at < Date.now() - KEEP_MS &&
      kept[0].chunk <= taken.chunk &&
      kept[0].number <= taken.number
    )
      kept.shift();
    socket?.send(data);
  }

  const order = (message) => say(JSON.stringify({ ...message, number: ++number }), -1, number);

  async function sendSound() {
    let chunk = 0;
    let position = 0;
    for await (const pcm of chunks) {
      say(frame(chunk, position / 16000, pcm), chunk, 0);
      chunk += 1;
      position += pcm.length;
    }
    ended = true;
    order({ type: "stop_dubbing" });
  }

  function resume(opened, message) {
    if (message.how === "new") {
      kept.length = 0;
      last = -1;
      cue = samples = 0;
    }
    taken = message;
    for (const { data, chunk, number } of kept)
      if (chunk > message.chunk || number > message.number) opened.send(data);
    socket = opened;
    if (message.how !== "new") return;
    order({ type: "start_dubbing", target_language: language });
    if (ended) order({ type: "stop_dubbing" });
  }

  function take(data) {
    const header = new DataView(data);
    const pcm = new Int16Array(data, HEADER);
    const of = header.getUint32(8, true);
    last = header.getUint32(4, true);
    samples = pcm.length + (of === cue ? samples : 0);
    cue = of;
    if (header.getUint8(1) & 1) {
      cue += 1; // that one is complete
      samples = 0;
    }
    hear(pcm, rates.get(of), Number(header.getBigUint64(12, true)) / 1e6);
  }

  return new Promise((resolve, reject) => {
    let summary;

    function connect() {
      const place = `?resume=${last}&cue=${cue}&samples=${samples}`;
      const opened = new WebSocket(`${server}/ws/example/${session}${place}`, [
        "dub.v1",
        `token.${token}`,
      ]);
      opened.binaryType = "arraybuffer";
      opened.onclose = ({ code, reason }) => {
        socket = null;
        if (summary) resolve(summary);
        else if (COME_BACK.includes(code) && Date.now() < alive + PATIENCE_MS)
          setTimeout(connect, 500);
        else reject(new Error(`closed with ${code}: ${reason}`));
      };
      opened.onmessage = ({ data }) => {
        alive = Date.now();
        if (data instanceof ArrayBuffer) take(data);
        else follow(opened, JSON.parse(data));
        if (last % 32 === 0) opened.send(JSON.stringify({ type: "acknowledge", sequence: last }));
      };
    }

    function follow(opened, message) {
      if (message.sequence >= 0) last = message.sequence; // others stand outside the count
      if (message.type === "resumed") resume(opened, message);
      if (message.type === "acknowledgement") taken = message;
      if (message.type === "cue") rates.set(message.cue, message.sample_rate);
      if (message.type === "ready" || message.how === "moved") sending ??= sendSound().catch(reject);
      if (message.type === "summary") {
        summary = message;
        opened.close(1000); // without the code the session would wait for us
      }
      read(message); // after a move a line may be told again: the last word counts
    }

    connect();
  });
}
