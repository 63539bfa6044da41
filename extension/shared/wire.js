// Bytes of the socket protocol `dub.v1`, the counterpart of the server's `pipeline/wire.py`.
//
//     offset  size  field
//     0       1     kind: 1 source sound (to the server), 2 cue sound (from it)
//     1       1     flags: bit 0 on the last block of a cue
//     2       2     reserved, zero
//     4       4     sequence, little-endian like all that follows
//     8       4     cue, zero in source sound
//     12      8     media time of the first sample, microseconds
//     20      …     mono PCM16

export const SUBPROTOCOL = "dub.v1";
export const HEADER_BYTES = 20;
export const KIND_SOURCE = 1;
export const KIND_CUE = 2;
const FLAG_LAST = 1;
const MEDIA_TIME_MAX_US = 2 ** 53;

/** What came is not of the protocol; `code` is the one the server uses for the same fault. */
export class WireError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "WireError";
    this.code = code;
  }
}

/**
 * @typedef {object} SourceFrame
 * @property {number} sequence from 0, no gaps
 * @property {number} mediaTimeUs media time of the first sample, microseconds
 * @property {Int16Array} pcm mono
 *
 * @typedef {object} CueFrame
 * @property {number} sequence number among all the server's messages
 * @property {number} cue
 * @property {number} mediaTimeUs
 * @property {boolean} last
 * @property {Int16Array} pcm mono, at the rate that the `cue` message names
 */

/** @param {SourceFrame} frame @returns {ArrayBuffer} */
export function encodeSourceFrame({ sequence, mediaTimeUs, pcm }) {
  const data = new ArrayBuffer(HEADER_BYTES + pcm.length * 2);
  writeHeader(data, KIND_SOURCE, 0, sequence, 0, mediaTimeUs);
  writeSamples(data, pcm);
  return data;
}

/** @param {CueFrame} frame @returns {ArrayBuffer} */
export function encodeCueFrame({ sequence, cue, mediaTimeUs, last, pcm }) {
  const data = new ArrayBuffer(HEADER_BYTES + pcm.length * 2);
  writeHeader(data, KIND_CUE, last ? FLAG_LAST : 0, sequence, cue, mediaTimeUs);
  writeSamples(data, pcm);
  return data;
}

/** @param {ArrayBuffer} data @returns {SourceFrame} @throws {WireError} */
export function decodeSourceFrame(data) {
  const { kind, flags, sequence, cue, mediaTimeUs, pcm } = split(data);
  if (kind !== KIND_SOURCE) throw new WireError("frame_kind", `Frame kind ${kind} is not source sound.`);
  if (flags || cue) throw new WireError("frame_header", "Flags and cue must be zero in source sound.");
  return { sequence, mediaTimeUs, pcm };
}

/** @param {ArrayBuffer} data @returns {CueFrame} @throws {WireError} */
export function decodeCueFrame(data) {
  const { kind, flags, sequence, cue, mediaTimeUs, pcm } = split(data);
  if (kind !== KIND_CUE || flags & ~FLAG_LAST)
    throw new WireError("frame_kind", `Frame kind ${kind} with flags ${flags} is not cue sound.`);
  return { sequence, cue, mediaTimeUs, last: Boolean(flags & FLAG_LAST), pcm };
}

/**
 * @param {ArrayBuffer} data @param {number} kind @param {number} flags
 * @param {number} sequence @param {number} cue @param {number} mediaTimeUs
 */
function writeHeader(data, kind, flags, sequence, cue, mediaTimeUs) {
  const header = new DataView(data);
  header.setUint8(0, kind);
  header.setUint8(1, flags);
  header.setUint32(4, sequence, true);
  header.setUint32(8, cue, true);
  header.setBigUint64(12, BigInt(Math.round(mediaTimeUs)), true);
}

/** @param {ArrayBuffer} data @param {Int16Array} pcm */
function writeSamples(data, pcm) {
  // Typed arrays have the machine's byte order, and every machine with a browser is little-endian.
  new Int16Array(data, HEADER_BYTES).set(pcm);
}

/** @param {ArrayBuffer} data */
function split(data) {
  if (data.byteLength < HEADER_BYTES)
    throw new WireError("frame_short", `A frame has ${HEADER_BYTES} bytes of header; got ${data.byteLength}.`);
  const header = new DataView(data);
  if (header.getUint16(2, true)) throw new WireError("frame_header", "The reserved field must be zero.");
  const mediaTime = header.getBigUint64(12, true);
  if (mediaTime > BigInt(MEDIA_TIME_MAX_US))
    throw new WireError("frame_media_time", "The media time is beyond 2^53 microseconds.");
  if ((data.byteLength - HEADER_BYTES) % 2)
    throw new WireError("frame_odd", "PCM16 has two bytes a sample; the frame holds an odd number.");
  return {
    kind: header.getUint8(0),
    flags: header.getUint8(1),
    sequence: header.getUint32(4, true),
    cue: header.getUint32(8, true),
    mediaTimeUs: Number(mediaTime),
    pcm: new Int16Array(data, HEADER_BYTES),
  };
}
