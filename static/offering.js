// What a person may choose among, as options of a select.

import { isolated } from "./bidi.js";

/** @param {HTMLSelectElement} select @param {[string, string, boolean?][]} options @param {string} chosen */
export function offer(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, label, disabled]) => {
      const option = new Option(isolated(label), value, false, value === chosen);
      option.disabled = Boolean(disabled);
      return option;
    }),
  );
  if (select.selectedIndex < 0 || select.selectedOptions[0].disabled) select.selectedIndex = 0;
}

/** The reader's own language, where it can be dubbed into. @param {string[]} codes */
export function preferred(codes) {
  const own = navigator.languages.map((tag) => tag.split("-")[0]);
  return own.find((code) => codes.includes(code)) ?? (codes.includes("es") ? "es" : (codes[0] ?? ""));
}
