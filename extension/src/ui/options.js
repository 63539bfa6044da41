// The options page: the account, the rules, the hotkeys.

import { api, say, text } from "../api.js";
import { permissionFor, serverOrigin } from "../server_address.js";
import { changeSettings, readSettings } from "../settings.js";
import { explain, languageName, part, translate } from "./i18n.js";

const OFFERED = ["ar", "ca", "de", "en", "eo", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "uk", "zh"];
const input = (/** @type {string} */ id) => part(id, HTMLInputElement);
const box = (/** @type {string} */ id) => part(id, HTMLElement);

translate();
let settings = await readSettings();
input("server").value = settings.server;
await showAccount();
showSites();
showLanguages();
showHotkeys();

api.storage.onChanged.addListener(({ account }) => account && showAccount());

async function showAccount() {
  const { account } = await say({ to: "background", type: "state", tabId: -1 });
  box("paired").hidden = !account;
  box("unpaired").hidden = Boolean(account);
  if (account) {
    box("paired-as").textContent = text("paired_as", [account.name, new URL(account.server).host]);
    tell("");
  }
}

/** @param {string} words @param {boolean} [bad] */
function tell(words, bad = false) {
  box("said").textContent = words;
  box("said").className = words ? (bad ? "trouble" : "notice") : "";
}

/** The server as typed, once we are allowed to reach it; null when not. */
async function allowedServer() {
  let server;
  try {
    server = serverOrigin(input("server").value);
  } catch (error) {
    tell(explain(/** @type {Error} */ (error).message), true);
    input("server").focus();
    return null;
  }
  // Asked within the click: the browser allows it only there.
  if (await api.permissions.request({ origins: [permissionFor(server)] })) return server;
  tell(explain("server_permission", "", [new URL(server).host]), true);
  return null;
}

part("unpaired", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  const server = await allowedServer();
  if (!server) return;
  settings = await changeSettings({ server });
  tell(text("pairing_goes_on"));
  await say({ to: "background", type: "pair-page", server });
});

box("pair").addEventListener("click", async () => {
  const server = await allowedServer();
  if (!server) return;
  const answer = await say({ to: "background", type: "pair", server, code: input("code").value });
  if (answer?.account) tell(text("paired_now"));
  else tell(explain(answer?.code ?? "server_failing", answer?.message), true);
});

box("unpair").addEventListener("click", async () => {
  await say({ to: "background", type: "unpair" });
  tell(text("unpaired_now"));
});

// Rules --------------------------------------------------------------------------------

function showSites() {
  const rows = Object.entries(settings.sites).map(([host, rule]) => {
    const row = document.createElement("tr");
    const [name, what, act] = ["td", "td", "td"].map((kind) => row.appendChild(document.createElement(kind)));
    name.textContent = host;
    what.textContent = text(`rule_${rule}`);
    const remove = act.appendChild(document.createElement("button"));
    remove.textContent = text("remove");
    remove.setAttribute("aria-label", text("remove_of", [host]));
    remove.addEventListener("click", async () => {
      const { [host]: _, ...sites } = settings.sites;
      settings = await changeSettings({ sites });
      showSites();
    });
    return row;
  });
  box("sites").replaceChildren(...rows);
}

part("add-site", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = input("site").value.trim().toLowerCase();
  const host = typed.replace(/^[a-z]+:\/\//, "").split("/")[0].split(":")[0];
  if (!/^[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*$/u.test(host)) {
    input("site").setCustomValidity(text("site_malformed"));
    input("site").reportValidity();
    return;
  }
  const rule = /** @type {import("../settings.js").SiteRule} */ (part("site-rule", HTMLSelectElement).value);
  settings = await changeSettings({ sites: { ...settings.sites, [host]: rule } });
  input("site").value = "";
  showSites();
});
input("site").addEventListener("input", () => input("site").setCustomValidity(""));

function showLanguages() {
  const codes = [...new Set([...OFFERED, ...settings.languagesNever])];
  const sorted = codes.map((code) => ({ code, name: languageName(code) })).sort((a, b) => a.name.localeCompare(b.name));
  const boxes = sorted.map(({ code, name }) => {
    const label = document.createElement("label");
    label.className = "check";
    const words = document.createElement("span");
    words.textContent = name;
    const check = document.createElement("input");
    check.type = "checkbox";
    check.checked = settings.languagesNever.includes(code);
    check.addEventListener("change", async () => {
      const others = settings.languagesNever.filter((other) => other !== code);
      settings = await changeSettings({ languagesNever: check.checked ? [...others, code] : others });
    });
    label.append(words, check);
    return label;
  });
  box("languages").replaceChildren(...boxes);
}

async function showHotkeys() {
  const rows = (await api.commands.getAll()).map(({ description, shortcut, name }) => {
    const row = document.createElement("tr");
    const [what, keys] = ["td", "td"].map((kind) => row.appendChild(document.createElement(kind)));
    // The browser's own command has no words of ours.
    what.textContent = description || (name?.startsWith("_execute") ? text("command_open") : (name ?? ""));
    keys.textContent = shortcut || text("no_hotkey");
    return row;
  });
  box("hotkeys").replaceChildren(...rows);
}
