// ?film=<file>, and at once or when `subtitle()` is called &track=<file>&language=<code>&kind=<kind>.
const film = new URLSearchParams(location.search);
const player = document.querySelector("#player");
player.src = film.get("film");
window.subtitle = () => {
  const track = document.createElement("track");
  Object.assign(track, { kind: film.get("kind") ?? "subtitles", srclang: film.get("language"), src: film.get("track") });
  player.append(track);
};
if (!film.has("late")) window.subtitle();
