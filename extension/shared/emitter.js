// Events as an EventTarget has them, without the browser's own: a content script of Firefox shares
// those with the page.

/** @typedef {(event: {type: string, detail: any}) => void} Listener */

export class Emitter {
  constructor() {
    /** @type {Map<string, Set<Listener>>} */
    this._listeners = new Map();
  }

  /** @param {string} type @param {Listener} listener */
  addEventListener(type, listener) {
    const known = this._listeners.get(type) ?? new Set();
    this._listeners.set(type, known.add(listener));
  }

  /** @param {string} type @param {Listener} listener */
  removeEventListener(type, listener) {
    this._listeners.get(type)?.delete(listener);
  }

  /** @param {string} type @param {unknown} [detail] */
  emit(type, detail) {
    for (const listener of this._listeners.get(type) ?? []) listener({ type, detail });
  }
}
