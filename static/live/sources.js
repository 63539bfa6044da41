// What is dubbed: a microphone, a tab or window, a file, or the built-in sample, as one node of
// an audio graph each.

/**
 * @typedef {object} Source
 * @property {AudioNode} node its sound
 * @property {boolean} route whether the original is to be heard through the player: not where it
 *   is heard anyway, or would come back through a microphone
 * @property {HTMLMediaElement | null} element where it can be paused and sought
 * @property {(ended: () => void) => void} onEnd calls when there is no more of it
 * @property {() => void} stop ends it and gives devices free
 */

/** It cannot be heard; the message says what to do. */
export class SourceError extends Error {
  /** @param {string} message @param {{quiet?: boolean}} [options] quiet: the person changed their mind */
  constructor(message, { quiet = false } = {}) {
    super(message);
    this.quiet = quiet;
  }
}

/** @param {AudioContext} context @returns {Promise<Source>} */
export async function microphone(context) {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new SourceError("This browser gives pages a microphone over https or on localhost only.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      // The dub comes out of the speakers beside the microphone.
      audio: { echoCancellation: true, noiseSuppression: false, autoGainControl: true },
    });
  } catch (error) {
    throw new SourceError(
      {
        NotAllowedError: "The microphone is not allowed. Allow it in the address bar, then start again.",
        NotFoundError: "There is no microphone. Connect one, then start again.",
        NotReadableError: "Another program has the microphone. Close it there, then start again.",
      }[error.name] ?? `The microphone cannot be used: ${error.message}`,
    );
  }
  return ofStream(context, stream, { route: false });
}

/** @param {AudioContext} context @returns {Promise<Source>} */
export async function tab(context) {
  if (!navigator.mediaDevices?.getDisplayMedia)
    throw new SourceError("This browser cannot share a tab's sound. Use Chrome or Edge, or the extension.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({
      // No browser shares sound alone.
      video: true,
      audio: {
        echoCancellation: false,
        noiseSuppression: false,
        autoGainControl: false,
        // Else it would be heard twice: once by itself and once through the player.
        suppressLocalAudioPlayback: true,
      },
      selfBrowserSurface: "exclude",
      systemAudio: "include",
    });
  } catch (error) {
    if (error.name === "NotAllowedError") throw new SourceError("Nothing was shared.", { quiet: true });
    throw new SourceError(`Nothing can be shared: ${error.message}`);
  }
  const [track] = stream.getAudioTracks();
  if (!track) {
    for (const other of stream.getTracks()) other.stop();
    throw new SourceError("What you shared has no sound. Share a tab, and tick “Also share tab audio”.");
  }
  const suppressed = track.getSettings().suppressLocalAudioPlayback === true;
  return ofStream(context, stream, { route: suppressed });
}

/**
 * @param {AudioContext} context @param {HTMLMediaElement} element to play it in
 * @param {File} file @returns {Promise<Source>}
 */
export async function file(context, element, file) {
  if (!file.size) throw new SourceError("The file is empty. Choose another one.");
  return ofElement(
    context,
    element,
    URL.createObjectURL(file),
    "This browser cannot play the file. Try MP3, M4A, WAV, OGG, FLAC, MP4 or WebM.",
  );
}

/**
 * @param {AudioContext} context @param {HTMLMediaElement} element to play it in
 * @param {string} address @returns {Promise<Source>}
 */
export function sample(context, element, address) {
  return ofElement(context, element, address, "The sample is not there. Ask whoever runs the server.");
}

/** @param {AudioContext} context @param {MediaStream} stream @param {{route: boolean}} options @returns {Source} */
function ofStream(context, stream, { route }) {
  const [track] = stream.getAudioTracks();
  return {
    node: context.createMediaStreamSource(stream),
    route,
    element: null,
    onEnd: (ended) => track.addEventListener("ended", ended, { once: true }),
    stop: () => {
      for (const one of stream.getTracks()) one.stop();
    },
  };
}

/** An element's sound can be led into one graph only, once. @type {WeakMap<HTMLMediaElement, MediaElementAudioSourceNode>} */
const nodes = new WeakMap();

/**
 * @param {AudioContext} context @param {HTMLMediaElement} element @param {string} address
 * @param {string} otherwise what to say when it cannot be played
 * @returns {Promise<Source>}
 */
async function ofElement(context, element, address, otherwise) {
  const loaded = new Promise((resolve, reject) => {
    element.addEventListener("canplay", resolve, { once: true });
    element.addEventListener("error", () => reject(new SourceError(otherwise)), { once: true });
  });
  element.src = address;
  element.load();
  await loaded;
  let node = nodes.get(element);
  if (!node) nodes.set(element, (node = context.createMediaElementSource(element)));
  const control = new AbortController();
  return {
    node,
    route: true,
    element,
    onEnd: (ended) => element.addEventListener("ended", ended, { signal: control.signal }),
    stop: () => {
      control.abort();
      element.pause();
      element.removeAttribute("src");
      element.load();
      node.disconnect();
      if (address.startsWith("blob:")) URL.revokeObjectURL(address);
    },
  };
}
