// The example on the front page: one player that switches between original and dub at the same
// place, with what is said below it. Without this there are two players, each by itself.

const place = document.getElementById("example");
const [dub, original] = ["example-dub", "example-original"].map((id) => document.getElementById(id));
const [target, source] = [".example-target", ".example-source"].map((name) => place.querySelector(name));
const ASK_AGAIN_MS = 3000;
const ASKED_MAX = 60;

let heard = dub;
let lines = [];

function switchTo(other) {
  if (other === heard) return;
  const playing = !heard.paused;
  other.currentTime = heard.currentTime;
  heard.pause();
  heard.hidden = true;
  other.hidden = false;
  heard = other;
  if (playing) other.play();
  say();
}

function say() {
  const at = heard.currentTime;
  const [from, to] = heard === dub ? ["cue_start_s", "cue_end_s"] : ["start_s", "end_s"];
  const started = lines.filter((line) => line[from] <= at + 0.05);
  const line = started.at(-1) ?? lines[0];
  if (!line) return;
  target.textContent = line.target;
  source.textContent = line.source;
  place.classList.toggle("is-speaking", !heard.paused && at <= line[to]);
}

async function load(asked = 0) {
  const answer = await fetch(place.dataset.lines);
  if (answer.ok) {
    ({ lines } = await answer.json());
    place.querySelector("[data-waits]").hidden = true;
    place.querySelector("[data-plays]").hidden = false;
    say();
  } else if (asked < ASKED_MAX) setTimeout(() => load(asked + 1), ASK_AGAIN_MS);
  else place.querySelector("[data-waits]").textContent = "The example is not there at the moment.";
}

original.hidden = true;
for (const player of [dub, original])
  for (const event of ["timeupdate", "play", "pause", "seeked"]) player.addEventListener(event, say);
for (const choice of place.querySelectorAll('[name="heard"]'))
  choice.addEventListener("change", () => switchTo(choice.value === "dub" ? dub : original));
// Asked for by hand: a 404 while it is being made is no fault and needs no line in the console.
if (place.querySelector("[data-plays]").hidden) setTimeout(load, ASK_AGAIN_MS);
else load();
