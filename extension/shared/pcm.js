// Samples: floats of the audio graph to PCM16 of the wire, and back.

/** @param {Float32Array} samples -1 to 1; what is beyond is clipped @returns {Int16Array} */
export function toPcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i += 1)
    pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  return pcm;
}

/** @param {Int16Array} pcm @returns {Float32Array} */
export function toFloat(pcm) {
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i += 1) samples[i] = pcm[i] / 32768;
  return samples;
}

/** Channels of one length to their mean. @param {Float32Array[]} channels @returns {Float32Array} */
export function toMono(channels) {
  if (channels.length === 1) return channels[0];
  const mono = new Float32Array(channels[0]?.length ?? 0);
  for (const channel of channels) for (let i = 0; i < mono.length; i += 1) mono[i] += channel[i];
  for (let i = 0; i < mono.length; i += 1) mono[i] /= channels.length;
  return mono;
}
