// Plays the first player as soon as the test says so; pages with a strict policy load this file.
// ?sound=<file> is played instead of what the page has.
const own = new URLSearchParams(location.search).get("sound");
if (own) document.querySelector("#player").src = own;
window.addEventListener("message", ({ data }) => data === "play" && document.querySelector("#player").play());
if (location.search.includes("play")) document.querySelector("#player")?.play();
