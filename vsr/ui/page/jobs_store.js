// All jobs, kept in step with the server by its events, and whether it can be reached.

import { get } from "./api.js";

export const ENDED = new Set(["done", "failed", "cancelled"]);

const jobs = new Map();
const watchers = new Set();
let state = "connecting"; // or "live", "lost", "refused"
let source = null;
let asking = null; // events that came while all jobs are asked for
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

function take(kind, value) {
  if (asking) asking.push([kind, value]);
  else if (kind === "job") put(value);
  else drop(value.id ?? value);
}

// What was forgotten while the server was away sends no event: so all are asked for anew.
async function askForAll() {
  asking = [];
  try {
    const answer = await get("/api/jobs");
    const list = Array.isArray(answer) ? answer : answer.jobs;
    jobs.clear();
    for (const value of list) jobs.set(value.id, value);
    become("live");
  } catch (error) {
    become(error.status === 401 || error.status === 403 ? "refused" : "lost");
  }
  const late = asking;
  asking = null;
  for (const [kind, value] of late) take(kind, value);
  changed();
}

/** Follow the server's events, and go on by itself when it is back. */
export function connect() {
  source?.close();
  source = new EventSource("/api/events");
  source.addEventListener("open", askForAll);
  source.addEventListener("job", (event) => take("job", JSON.parse(event.data)));
  source.addEventListener("gone", (event) => take("gone", JSON.parse(event.data)));
  source.addEventListener("error", () => {
    become(state === "refused" ? "refused" : "lost");
    source.close();
    setTimeout(reconnect, 1000);
  });
}

async function reconnect() {
  try {
    await get("/api/jobs");
    connect();
  } catch (error) {
    become(error.status === 401 || error.status === 403 ? "refused" : "lost");
    setTimeout(reconnect, 1500);
  }
}
