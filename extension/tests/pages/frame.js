// ?frame=<address> and &allow=<policy> of the player in the frame.
const asked = new URLSearchParams(location.search);
const frame = document.querySelector("#frame");
frame.allow = asked.get("allow") ?? "autoplay";
frame.src = asked.get("frame");
