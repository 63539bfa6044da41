// Keys of one character; not while something is being typed, and they can be switched off.

/**
 * @param {Record<string, () => void>} keys @param {() => boolean} enabled
 */
export function listenToKeys(keys, enabled) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, dialog[open] input, [contenteditable]"))
      return;
    // A button or a link under the focus has the first say on these.
    if ((event.key === " " || event.key === "Enter") && target.closest("button, a, summary, input")) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (!enabled() && event.key !== "?")) return;
    event.preventDefault();
    act();
  });
}
