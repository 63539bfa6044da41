// The keys of the studio: of one character for what is done often, the others in an editor.

import { listenToKeys } from "../live/shortcuts.js";

/** @param {any} studio */
export function bindKeys(studio) {
  const { transport, timeline, list, editors } = studio;
  const shortcuts = document.getElementById("shortcuts");
  const redub = document.getElementById("redub");
  const inDialog = () => Boolean(document.querySelector("dialog[open]"));
  document.getElementById("show-shortcuts").addEventListener("click", () => shortcuts.showModal());
  listenToKeys(
    {
      " ": () => transport.toggle(),
      o: () => transport.player.choose("original"),
      d: () => transport.player.choose("dub"),
      b: () => transport.player.choose("both"),
      "+": () => timeline.zoom(1.6),
      "-": () => timeline.zoom(1 / 1.6),
      r: () => redub && !redub.disabled && studio.dub(),
      "?": () => shortcuts.showModal(),
      ArrowDown: () => list.focus(list.current),
      ArrowUp: () => list.focus(list.current),
    },
    () => !inDialog(),
  );
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || inDialog()) return;
    const held = event.ctrlKey || event.metaKey;
    const editor = editors.current;
    const inEditor = editor?.form.contains(event.target);
    if (held && event.key === "Enter" && inEditor) {
      event.preventDefault();
      editor.save();
    } else if (event.key === "Escape" && inEditor) {
      event.preventDefault();
      editors.close();
    } else if (held && !event.shiftKey && event.key.toLowerCase() === "z" && studio.page.editable) {
      // What is being typed is taken back by the browser itself.
      if (event.target.closest("textarea, input:not([type=range]):not([type=radio])") && (!inEditor || editor.dirty)) return;
      event.preventDefault();
      studio.undo();
    }
  });
}
