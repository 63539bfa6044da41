const source = new MediaSource();
const player = document.querySelector("#player");
player.src = URL.createObjectURL(source);
source.addEventListener("sourceopen", async () => {
  const buffer = source.addSourceBuffer('audio/webm; codecs="opus"');
  const data = new Uint8Array(await (await fetch("speech.webm")).arrayBuffer());
  for (let at = 0; at < data.length; at += 16_384) {
    buffer.appendBuffer(data.slice(at, at + 16_384));
    await new Promise((done) => buffer.addEventListener("updateend", done, { once: true }));
  }
  source.endOfStream();
  document.title = "ready";
});
