// A button that is pressed twice does its work once.

/** @type {WeakSet<Element>} */
const underWay = new WeakSet();

/**
 * Does nothing while what the same button started is under way. The button stays as it is for the
 * keyboard: one that is switched off would lose the focus.
 * @param {HTMLElement} button @param {() => Promise<void>} act
 */
export async function once(button, act) {
  if (underWay.has(button)) return;
  underWay.add(button);
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    underWay.delete(button);
    button.removeAttribute("aria-busy");
  }
}
