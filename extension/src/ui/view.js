// The popup and the side panel: one tab's dub, shown and steered. `?tab=<id>` names the tab, else
// it is the one in front.

import { CAPTURES_TABS, api, say, text } from "../api.js";
import { changeSettings, readSettings, ruleFor } from "../settings.js";
import { permissionFor } from "../server_address.js";
import { showLines } from "./captions_list.js";
import { offerEngines, offerLanguages } from "./choices.js";
import { explain, languageName, part, speakerName, translate } from "./i18n.js";

const NOTICE_MS = 7000;
const popup = document.body.classList.contains("popup");
const button = (/** @type {string} */ id) => part(id, HTMLButtonElement);
const select = (/** @type {string} */ id) => part(id, HTMLSelectElement);
const input = (/** @type {string} */ id) => part(id, HTMLInputElement);
const box = (/** @type {string} */ id) => part(id, HTMLElement);

/** @type {number} */
let tabId = -1;
let host = "";
/** @type {import("../background/tabs.js").TabState & {account: any}} */
let state = { status: "off", account: null };
/** @type {import("../../shared/session.js").View | null} */
let view = null;
/** @type {chrome.runtime.Port | null} */
let port = null;
let noticeTimer = 0;
let settings = await readSettings();

translate();
await pickTab();
listen();
await refresh();
if (state.account) offer();
if (popup && state.account && state.status === "off" && ruleFor(host, settings) === "always") begin();

async function pickTab() {
  const asked = new URLSearchParams(location.search).get("tab");
  const tab = asked
    ? await api.tabs.get(Number(asked))
    : (await api.tabs.query({ active: true, currentWindow: true }))[0];
  tabId = tab?.id ?? -1;
  try {
    host = new URL(tab?.url ?? "").hostname;
  } catch {
    host = ""; // the browser does not say: it is a page that we may not see
  }
}

function offer() {
  offerLanguages(select("source"), select("target"), settings);
  offerEngines(select("engine"), settings);
}

// What is so ---------------------------------------------------------------------------

async function refresh() {
  state = await say({ to: "background", type: "state", tabId });
  settings = await readSettings();
  if (state.status !== "off" && state.status !== "trouble") follow();
  else view = null;
  show();
}

/** Looks at the session itself, where it runs. */
function follow() {
  if (port) return;
  port = api.runtime.connect({ name: `ui:${tabId}` });
  port.onMessage.addListener((message) => {
    if (message.type === "all") {
      view = message.view;
      show();
      showLines(box("captions"), message.lines, message.view.speakers, message.partial);
    } else if (message.type === "notice") notice(message.code, message.message);
    else if (message.type === "none") view = null;
  });
  port.onDisconnect.addListener(() => {
    void api.runtime.lastError; // nobody was there: the session is only about to begin
    port = null;
    view = null;
  });
}

api.storage.onChanged.addListener(({ tabs, account }) => {
  if (tabs || account) refresh();
  if (account?.newValue) offer();
});

function show() {
  const on = state.status === "on" || state.status === "starting" || state.status === "waiting";
  box("unpaired").hidden = Boolean(state.account);
  box("paired").hidden = !state.account;
  box("live").hidden = !on;
  const status = view ? text(`status_${view.status}`) : text(`badge_${state.status}`);
  box("status").textContent = state.account ? status : "";
  box("status").className = view?.status === "dubbing" ? "small live" : "small quiet";
  const toggle = button("toggle");
  toggle.textContent = text(on ? "stop" : "start");
  toggle.dataset.on = String(on);
  showTrouble();
  showVolumes();
  if (view) showView(view);
  box("rule-label").hidden = !host;
  box("rule-host").textContent = text("rule_for", [host]);
  select("rule").value = ruleFor(host, settings);
  input("preserve").checked = settings.preserveVoice;
  input("overlay").checked = settings.overlay;
  input("subtitles").checked = settings.subtitles;
}

/** @param {import("../../shared/session.js").View} now */
function showView(now) {
  const language = now.sourceLanguage ? languageName(now.sourceLanguage) : "";
  const spoken = now.sourceText ? text("from_subtitles", [language]) : language;
  const behind = now.lagS === null ? "" : text("behind", [now.lagS.toFixed(1)]);
  box("lag").textContent = [behind, spoken].filter(Boolean).join(" · ");
  button("bypass").setAttribute("aria-pressed", String(now.volumes.bypass));
  if (now.silent) notice("silent", "");
  const speakers = box("speakers");
  for (const { speaker, colour } of now.speakers) {
    const id = `speaker-${speaker}`;
    if (!document.getElementById(id)) speakers.append(speakerRow(id, speaker, colour));
    const mute = part(`${id}-mute`, HTMLButtonElement);
    mute.setAttribute("aria-pressed", String(now.gains[speaker] === 0));
  }
}

/** @param {string} id @param {string} speaker @param {number} colour */
function speakerRow(id, speaker, colour) {
  const row = document.createElement("div");
  row.id = id;
  row.className = `speaker s${colour % 6}`;
  const [dot, name, volume, mute] = ["span", "span", "input", "button"].map((kind) => document.createElement(kind));
  dot.className = "dot";
  name.className = "name";
  name.textContent = speakerName(speaker);
  const range = /** @type {HTMLInputElement} */ (volume);
  Object.assign(range, { type: "range", min: "0", max: "200", step: "5", value: "100" });
  range.setAttribute("aria-label", text("volume_of", [speakerName(speaker)]));
  range.addEventListener("input", () => order({ type: "speaker", speaker, gain: Number(range.value) / 100 }));
  mute.id = `${id}-mute`;
  mute.className = "small";
  mute.textContent = text("mute");
  mute.setAttribute("aria-label", text("mute_of", [speakerName(speaker)]));
  mute.addEventListener("click", () => {
    const muted = mute.getAttribute("aria-pressed") === "true";
    order({ type: "speaker", speaker, gain: muted ? Number(range.value) / 100 : 0 });
  });
  row.append(dot, name, volume, mute);
  return row;
}

function showVolumes() {
  const volumes = view?.volumes ?? { original: settings.original, dub: settings.dub, floor: settings.floor };
  const offsetS = view?.offsetS ?? settings.offsetS;
  for (const name of /** @type {const} */ (["original", "floor", "dub"])) {
    const percent = Math.round(volumes[name] * 100);
    if (document.activeElement !== input(name)) input(name).value = String(percent);
    part(`${name}-out`, HTMLOutputElement).value = `${percent} %`;
  }
  if (document.activeElement !== input("offset")) input("offset").value = String(offsetS * 1000);
  part("offset-out", HTMLOutputElement).value = `${offsetS > 0 ? "+" : ""}${offsetS.toFixed(2)} s`;
}

function showTrouble() {
  const code = state.status === "trouble" ? state.code : undefined;
  box("trouble").hidden = !code;
  if (!code) return;
  const hosts = (state.origins ?? []).map((origin) => new URL(origin).hostname).join(", ");
  const language = code === "subtitles_missing" || code === "subtitles_off";
  box("trouble-text").textContent = explain(code, state.message, [language ? languageName(state.message ?? "") : hosts]);
  const act = button("trouble-act");
  const acts = { frame_unknown: "allow_frames", server_permission: "allow_server", token_refused: "connect", not_paired: "connect" };
  const known = acts[/** @type {keyof typeof acts} */ (code)];
  act.hidden = !known;
  if (known) act.textContent = text(known, [hosts]);
}

/** @param {string} code @param {string} message */
function notice(code, message) {
  const value = code === "language_left" ? languageName(message) : message;
  box("notice").textContent = explain(code, message, [value]);
  box("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => (box("notice").hidden = true), NOTICE_MS);
}

// What the person does -----------------------------------------------------------------

/** @param {Record<string, unknown>} wish */
function order(wish) {
  port?.postMessage(wish);
}

async function begin() {
  state = { ...state, status: "starting" };
  show();
  await say({ to: "background", type: "start", tabId });
  await refresh();
}

async function request() {
  settings = await changeSettings({
    targetLanguage: select("target").value,
    sourceLanguage: select("source").value,
    preserveVoice: input("preserve").checked,
    subtitles: input("subtitles").checked,
    engines: select("engine").value ? { ...settings.engines, synthesis: select("engine").value } : {},
  });
  if (view) await say({ to: "background", type: "request", tabId });
}

async function act() {
  const origins = state.origins ?? [];
  if (state.code === "frame_unknown" || state.code === "server_permission") {
    const patterns = origins.map(permissionFor);
    if (await api.permissions.request({ origins: patterns })) await begin();
  } else await api.runtime.openOptionsPage();
}

function listen() {
  button("toggle").addEventListener("click", () =>
    button("toggle").dataset.on === "true" ? say({ to: "background", type: "stop", tabId }) : begin(),
  );
  button("trouble-act").addEventListener("click", act);
  button("connect").addEventListener("click", () => api.runtime.openOptionsPage());
  button("open-options").addEventListener("click", () => api.runtime.openOptionsPage());
  button("bypass").addEventListener("click", () => order({ type: "bypass" }));
  button("again").addEventListener("click", () => order({ type: "again" }));
  for (const id of ["source", "target", "engine"]) select(id).addEventListener("change", request);
  input("preserve").addEventListener("change", request);
  input("subtitles").addEventListener("change", async () => {
    await request();
    await offerLanguages(select("source"), select("target"), settings);
  });
  for (const name of ["original", "floor", "dub"])
    input(name).addEventListener("input", async () => {
      const volume = Number(input(name).value) / 100;
      part(`${name}-out`, HTMLOutputElement).value = `${input(name).value} %`;
      order({ type: "volumes", volumes: { [name]: volume } });
      settings = await changeSettings({ [name]: volume });
    });
  input("offset").addEventListener("input", async () => {
    const seconds = Number(input("offset").value) / 1000;
    part("offset-out", HTMLOutputElement).value = `${seconds > 0 ? "+" : ""}${seconds.toFixed(2)} s`;
    order({ type: "offset", seconds });
    settings = await changeSettings({ offsetS: seconds });
  });
  input("overlay").addEventListener("change", async () => {
    const on = input("overlay").checked;
    settings = await changeSettings({ overlay: on });
    if (view) await say({ to: "background", type: "overlay", tabId, on });
  });
  select("rule").addEventListener("change", async () => {
    const sites = { ...settings.sites };
    const rule = /** @type {import("../settings.js").SiteRule} */ (select("rule").value);
    if (rule === "ask") delete sites[host];
    else sites[host] = rule;
    settings = await changeSettings({ sites });
    if (rule === "never" && view) await say({ to: "background", type: "stop", tabId, now: true });
  });
  const panel = button("open-panel");
  panel.hidden = !popup || !(api.sidePanel || /** @type {any} */ (api).sidebarAction);
  panel.addEventListener("click", () => {
    if (CAPTURES_TABS) api.sidePanel.open({ tabId });
    else /** @type {any} */ (api).sidebarAction.open();
    window.close();
  });
}

if (!popup)
  api.tabs.onActivated?.addListener(async () => {
    if (new URLSearchParams(location.search).get("tab")) return;
    port?.disconnect();
    port = null;
    box("captions").replaceChildren();
    box("speakers").replaceChildren();
    await pickTab();
    await refresh();
  });
