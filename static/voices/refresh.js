// Parts of a page made anew by the server, in place, after something has changed.

/**
 * What is chosen, open and focused in them stays so.
 * @param {string[]} ids of elements of this page
 */
export async function refresh(ids) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return location.reload();
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const [old, fresh] = [document.getElementById(id), made.getElementById(id)];
    if (!old || !fresh) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : null;
    for (const box of old.querySelectorAll("input:is([type=checkbox], [type=radio])[id]")) {
      const again = fresh.querySelector(`#${CSS.escape(box.id)}`);
      if (again && !box.disabled && !again.disabled) again.checked = box.checked;
    }
    old.replaceWith(document.adoptNode(fresh));
    if (focused === null) continue;
    // The button that was pressed may be gone with what it was of.
    const again = focused && document.getElementById(focused);
    if (again) again.focus();
    else {
      fresh.tabIndex = -1;
      fresh.focus({ preventScroll: true });
    }
  }
  document.dispatchEvent(new CustomEvent("page:changed"));
}
