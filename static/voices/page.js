// The pages of voices: each module takes care of what it finds on the page. Their forms have
// the method "dialog", which without a dialog does nothing: one that is sent before these
// modules are there is not sent to the wrong place.

import "./forms.js";
import "./actor-search.js";
import "./samples.js";
import "./clones.js";
import "./compare.js";

document.documentElement.classList.add("voices-ready");
