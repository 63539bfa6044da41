// The speakers: what they are called, how loud each is, and whether they are heard at all.

export const COLOURS = 8;

/** The style sheet's class of a speaker, the same as in the transcript. @param {string | null} speaker */
export function lookOf(speaker) {
  const number = /(\d+)$/.exec(speaker ?? "");
  return number ? `speaker-${((Number(number[1]) - 1) % COLOURS) + 1}` : "speaker-0";
}

/** @param {string | null} speaker @param {Record<string, string>} names */
export function nameOf(speaker, names) {
  if (!speaker) return "Unknown speaker";
  return names[speaker] || speaker.replace(/^S(\d+)$/, "Speaker $1");
}

export class SpeakersView {
  /**
   * @param {HTMLElement} list @param {HTMLTemplateElement} template
   * @param {{setGain: (speaker: string, gain: number) => void, rename: (speaker: string, name: string) => Promise<void>}} acts
   */
  constructor(list, template, acts) {
    this._list = list;
    this._template = template;
    this._acts = acts;
    /** @type {Map<string, {row: HTMLElement, volume: HTMLInputElement, mute: HTMLInputElement, voice: HTMLElement, name: HTMLInputElement}>} */
    this._rows = new Map();
    /** @type {Record<string, string>} */
    this.names = {};
  }

  /** @param {import("/static/dubbing/captions.js").Speaker[]} speakers */
  show(speakers) {
    for (const { speaker, voice, shaped } of speakers) {
      const row = this._rows.get(speaker) ?? this._add(speaker);
      row.voice.textContent = shaped ? "in a voice like theirs" : `voice: ${voice}`;
    }
    document.body.classList.toggle("has-speakers", this._rows.size > 0);
  }

  clear() {
    this._list.replaceChildren();
    this._rows.clear();
    document.body.classList.remove("has-speakers");
  }

  /** The so-many-th speaker, from 1. @param {number} number */
  toggleMute(number) {
    const row = [...this._rows.values()][number - 1];
    if (!row) return;
    row.mute.checked = !row.mute.checked;
    row.mute.dispatchEvent(new Event("change"));
  }

  /** @param {string} speaker */
  _add(speaker) {
    const row = /** @type {HTMLElement} */ (this._template.content.cloneNode(true)).firstElementChild;
    const part = (name) => row.querySelector(`[data-part="${name}"]`);
    const made = { row, volume: part("volume"), mute: part("mute"), voice: part("voice"), name: part("name") };
    row.classList.add(lookOf(speaker));
    row.dataset.speaker = speaker;
    for (const name of ["volume", "mute", "name"]) {
      made[name].id = `${name}-${speaker}`;
      part(`${name}-label`).htmlFor = made[name].id;
    }
    const say = () => {
      const shown = nameOf(speaker, this.names);
      made.name.placeholder = shown;
      made.name.value = this.names[speaker] ?? "";
      part("volume-label").textContent = `Volume of ${shown}`;
      part("name-label").textContent = `Name of ${shown}`;
      part("mute-text").textContent = `Mute ${shown}`;
    };
    say();
    const gain = () => this._acts.setGain(speaker, made.mute.checked ? 0 : Number(made.volume.value) / 100);
    made.volume.addEventListener("input", gain);
    made.mute.addEventListener("change", () => {
      row.classList.toggle("is-muted", made.mute.checked);
      gain();
    });
    made.name.addEventListener("change", async () => {
      const before = this.names[speaker];
      this.names[speaker] = made.name.value.trim();
      try {
        await this._acts.rename(speaker, this.names[speaker]);
      } catch {
        this.names[speaker] = before ?? "";
      }
      say();
    });
    made.name.addEventListener("keydown", (event) => event.key === "Enter" && made.name.blur());
    this._rows.set(speaker, made);
    this._list.append(row);
    return made;
  }
}
