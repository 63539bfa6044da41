// Plays the first player as soon as the test says so; pages with a strict policy load this file.
window.addEventListener("message", ({ data }) => data === "play" && document.querySelector("#player").play());
if (location.search.includes("play")) document.querySelector("#player")?.play();
