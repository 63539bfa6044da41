// What came of it, once dubbing has ended, and where to find it.

export class SummaryView {
  /** @param {HTMLElement} place */
  constructor(place) {
    this._place = place;
    this._last = null;
  }

  /** @param {any} summary of the last run */
  take(summary) {
    if (!summary.lost) this._last = summary;
  }

  hide() {
    this._place.hidden = true;
    this._last = null;
  }

  /** @param {string} session @param {import("/static/dubbing/session.js").View} view @param {any} page */
  show(session, view, page) {
    const { lines, skipped, stalls } = view.counts;
    const summary = this._last;
    const facts = [
      ["Lines", String(lines)],
      ["Shown, not spoken", String(skipped)],
      ["Speakers", String(view.speakers.length)],
    ];
    if (summary?.p50.lag_ms) facts.push(["Lag, median", `${(summary.p50.lag_ms / 1000).toFixed(1)} s`]);
    if (summary?.p50.total_ms) facts.push(["Answer time", `${(summary.p50.total_ms / 1000).toFixed(2)} s`]);
    if (stalls) facts.push(["Gaps heard", String(stalls)]);
    this._place.querySelector("[data-facts]").replaceChildren(
      ...facts.map(([name, value]) => {
        const one = document.createElement("div");
        one.className = "figure";
        const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
        term.textContent = name;
        detail.textContent = value;
        one.append(term, detail);
        return one;
      }),
    );
    for (const link of this._place.querySelectorAll("[data-address]"))
      link.href = link.dataset.address.replace(page.noSession, session);
    this._place.hidden = false;
    this._place.focus();
  }
}
