// Chrome's place for what must live on while the service worker does not: the captured tabs, their
// audio graphs and sockets. Has no settings and no token: both stay with the service worker.

import { Connection, TicketError } from "../../shared/connection.js";
import { DubSession } from "../../shared/session.js";
import { api, say } from "../api.js";
import { Control } from "../control.js";
import { Hub } from "../hub.js";

/**
 * @typedef {object} Running
 * @property {Control} control
 * @property {AudioContext} context
 * @property {MediaStream} stream
 * @property {any[]} probe events of the mixer, for tests and measurements
 */

/** @type {Map<number, Running>} */
const running = new Map();
const BASE = api.runtime.getURL("shared/session.js");
const PROBE_MAX = 20_000;

const hub = new Hub({
  order: (tabId, order) => running.get(tabId)?.control.take(order),
  media: (tabId, message) => {
    if (message.type === "media") running.get(tabId)?.control.media(message);
    if (message.type === "subtitles") running.get(tabId)?.control.subtitles(message.window);
    // The service worker judges, for it alone may look into the other frames.
    if (message.type === "report") say({ to: "background", type: "report", tabId, report: message.report });
  },
  gone: (tabId) => end(tabId, { code: "navigated", message: "" }),
});

/** @returns {Promise<string>} */
async function ticket() {
  const answer = await say({ to: "background", type: "ticket" });
  if (answer?.ticket) return answer.ticket;
  throw new TicketError(answer?.code ?? "unreachable", answer?.message ?? "", { final: answer?.final ?? false });
}

/** @param {any} message */
async function start({ tabId, streamId, server, request, settings }) {
  end(tabId, null);
  const stream = await navigator.mediaDevices.getUserMedia(
    /** @type {any} */ ({
      audio: { mandatory: { chromeMediaSource: "tab", chromeMediaSourceId: streamId } },
    }),
  );
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.resume();
  const link = new Connection({ server, ticket, name: `tab-${tabId}` });
  const session = await DubSession.create({
    context,
    link,
    base: BASE,
    volumes: { original: settings.original, dub: settings.dub, floor: settings.floor },
    offsetS: settings.offsetS,
  });
  const control = new Control(tabId, session, hub, settings, (trouble) => finished(tabId, trouble));
  const entry = { control, context, stream, probe: /** @type {any[]} */ ([]) };
  running.set(tabId, entry);
  const note = (/** @type {any} */ event) => entry.probe.length < PROBE_MAX && probing && entry.probe.push(event);
  for (const type of ["cue", "level"]) session.addEventListener(type, ({ detail }) => note(detail));
  session.addEventListener("notice", ({ detail }) => note({ type: "notice", code: detail.code }));
  if (levels) session.player.measure(true);
  stream.getTracks()[0].addEventListener("ended", () => end(tabId, { code: "tab_closed", message: "" }));
  context.addEventListener("statechange", () => context.state === "suspended" && context.resume());
  try {
    await session.start(context.createMediaStreamSource(stream), request);
  } catch (error) {
    // The server may refuse before the worklets are there: what breaks off then has its reason.
    if (running.get(tabId) === entry) throw error;
  }
  return running.get(tabId) === entry;
}

/** @param {number} tabId @param {{code: string, message: string} | null} trouble */
function end(tabId, trouble) {
  running.get(tabId)?.control.close(trouble);
}

/** A session is over, whoever ended it: the tab's own sound must be heard from the tab again. */
/** @param {number} tabId @param {{code: string, message: string} | null} trouble */
function finished(tabId, trouble) {
  const entry = running.get(tabId);
  running.delete(tabId);
  // Once the capture ends the browser plays the tab itself, at full level.
  for (const track of entry?.stream.getTracks() ?? []) track.stop();
  entry?.context.close();
  hub.drop(tabId);
  say({ to: "background", type: "status", tabId, status: "ended", trouble });
}

let probing = false;
/** Levels a hundred times a second as well, which takes processor of its own. */
let levels = false;

api.runtime.onMessage.addListener((message, sender, answer) => {
  if (message?.to !== "offscreen" || sender.id !== api.runtime.id || sender.tab?.url?.startsWith("http")) return false;
  switch (message.type) {
    case "start":
      start(message).then(
        (goesOn) => answer({ ok: true, goesOn }),
        (error) => {
          const entry = running.get(message.tabId);
          if (entry) end(message.tabId, { code: "start_failed", message: String(error) });
          answer({ ok: false, error: String(error) });
        },
      );
      return true;
    case "stop":
      if (message.now) end(message.tabId, message.trouble ?? null);
      else running.get(message.tabId)?.control.session.stop();
      answer({ ok: true });
      return false;
    case "order":
      running.get(message.tabId)?.control.take(message.order);
      answer({ ok: true });
      return false;
    case "tabs":
      answer([...running].map(([tabId, { control }]) => [tabId, control.session.view.status]));
      return false;
    case "probe":
      // What is measured in the graph: for the project's tests and for reports of faults.
      probing = message.on ?? probing;
      levels = probing && (message.levels ?? levels);
      for (const { control } of running.values()) control.session.player.measure(levels);
      answer(probe(message.tabId));
      return false;
  }
  return false;
});

/** @param {number} tabId */
function probe(tabId) {
  const entry = running.get(tabId);
  if (!entry) return null;
  const { session } = entry.control;
  const events = entry.probe.splice(0);
  return {
    events,
    view: session.view,
    lines: session.captions.lines,
    rate: entry.context.sampleRate,
    time: entry.context.currentTime,
    zeroS: session.player.clock.zeroS,
    delayS: session.player.clock.delayS,
    waiting: session.link.waiting,
    link: session.link.state,
  };
}
