// A question before what cannot be undone.

/**
 * Resolves to true when the person presses the named button.
 * @param {string} question @param {string} yes @param {string} [look] of the button
 * @returns {Promise<boolean>}
 */
export function ask(question, yes, look = "btn-danger") {
  const dialog = document.createElement("dialog");
  dialog.className = "question";
  dialog.setAttribute("aria-labelledby", "question-text");
  const text = document.createElement("p");
  text.id = "question-text";
  text.textContent = question;
  const buttons = document.createElement("form");
  buttons.method = "dialog";
  buttons.className = "d-flex gap-2 justify-content-end";
  for (const [value, label, css] of [["", "Cancel", "btn-outline-secondary"], ["yes", yes, look]]) {
    const button = document.createElement("button");
    button.value = value;
    button.textContent = label;
    button.className = `btn ${css}`;
    buttons.append(button);
  }
  dialog.append(text, buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}
