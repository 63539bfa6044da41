// The pages of voices: each module takes care of what it finds on the page.

import "./forms.js";
import "./actor-search.js";
import "./samples.js";
import "./clones.js";
import "./compare.js";

document.documentElement.classList.add("voices-ready");
