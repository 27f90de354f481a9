// All jobs, kept in step with the server by its events, and whether it can be reached.

import { get } from "./api.js";

export const ENDED = new Set(["done", "failed", "cancelled"]);

const jobs = new Map();
const watchers = new Set();
let state = "connecting"; // or "live", "lost", "refused"
let source = null;
let trying = 0; // the timer of the next try
let queued = false;

export const all = () => [...jobs.values()];
export const job = (id) => jobs.get(id);
export const connection = () => state;

/** Call `watcher` now and after each change, at most once a frame, until the signal. */
export function watch(watcher, signal) {
  watchers.add(watcher);
  signal.addEventListener("abort", () => watchers.delete(watcher));
  watcher();
}

function changed() {
  if (queued) return;
  queued = true;
  // A timer, as frames are not drawn in a tab that is not seen.
  setTimeout(() => {
    queued = false;
    for (const watcher of watchers) watcher();
  }, 30);
}

function become(next) {
  if (state === next) return;
  state = next;
  changed();
}

/** Take a job's new state, as the server answered it. */
export function put(value) {
  jobs.set(value.id, value);
  changed();
}

export function drop(id) {
  jobs.delete(id);
  changed();
}

// All jobs, anew: what was forgotten while the server was away sends no event.
function putAll(list) {
  jobs.clear();
  for (const value of list) jobs.set(value.id, value);
  become("live");
  changed();
}

/**
 * Follow the server's events while the page is seen, and go on by itself when it is back.
 *
 * A browser has six connections to a server, for all tabs together: events that nobody sees would
 * leave none to the seventh tab, which could not even be opened.
 */
export function connect() {
  document.addEventListener("visibilitychange", follow);
  follow();
}

function leave() {
  source?.close();
  clearTimeout(trying);
}

function follow() {
  leave();
  if (document.hidden) return;
  source = new EventSource("/api/events");
  source.addEventListener("jobs", (event) => putAll(JSON.parse(event.data)));
  source.addEventListener("job", (event) => put(JSON.parse(event.data)));
  source.addEventListener("gone", (event) => drop(JSON.parse(event.data).id));
  source.addEventListener("error", () => {
    become(state === "refused" ? "refused" : "lost");
    leave();
    trying = setTimeout(reconnect, 1000);
  });
}

async function reconnect() {
  try {
    await get("/api/jobs");
    follow();
  } catch (error) {
    become(error.status === 401 || error.status === 403 ? "refused" : "lost");
    trying = setTimeout(reconnect, 1500);
  }
}
