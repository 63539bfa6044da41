// Dub sound in a browser: `chunks` is any async iterable of Int16Array, mono, 16 kHz.
// `hear` gets an Int16Array, its rate and the media time in seconds to play it at.

const HEADER = 20;

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
  const socket = new WebSocket(`${server}/ws/example/${session}`, ["dub.v1", `token.${token}`]);
  socket.binaryType = "arraybuffer";
  const rates = new Map();

  async function sendSound() {
    let number = 0;
    let samples = 0;
    for await (const pcm of chunks) {
      socket.send(frame(number, samples / 16000, pcm));
      number += 1;
      samples += pcm.length;
    }
    socket.send(JSON.stringify({ type: "stop_dubbing" }));
  }

  return new Promise((resolve, reject) => {
    let summary;
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: "start_dubbing", target_language: language }));
    socket.onclose = ({ code, reason }) =>
      summary ? resolve(summary) : reject(new Error(`closed with ${code}: ${reason}`));
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        const header = new DataView(data);
        const rate = rates.get(header.getUint32(8, true));
        const mediaTime = Number(header.getBigUint64(12, true)) / 1e6;
        hear(new Int16Array(data, HEADER), rate, mediaTime);
        return;
      }
      const message = JSON.parse(data);
      read(message);
      if (message.type === "ready") sendSound().catch(reject);
      if (message.type === "cue") rates.set(message.cue, message.sample_rate);
      if (message.type === "summary") {
        summary = message;
        socket.close();
      }
    };
  });
}
