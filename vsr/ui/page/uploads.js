// Files on their way to the server: in pieces, on again after a break, even after a reload.

import { Refused, putPiece, write } from "./api.js";

const WAIT = 1500; // milliseconds before a piece is tried again
const AT_ONCE = 3; // files; the server takes so many, and the browser has few connections

const uploads = new Set();
const waiting = []; // calls that begin the next upload
let going = 0;
const watchers = new Set();

export const all = () => [...uploads];

export function watch(watcher, signal) {
  watchers.add(watcher);
  signal.addEventListener("abort", () => watchers.delete(watcher));
  watcher();
}

function changed() {
  for (const watcher of watchers) watcher();
}

/** A new upload, or that of this very file that broke off: {id, offset, piece}. */
function open(file, folder) {
  const facts = { name: file.name, bytes: file.size, modified: file.lastModified };
  return write("POST", "/api/uploads", { ...facts, folder });
}

const rest = () => new Promise((done) => setTimeout(done, WAIT));
const busy = (error) => error.status === 0 || error.status === 502 || error.status === 503;

// One piece: {offset} or {path} as the server answers; what does not fit tells what would.
async function send(upload, { id, offset, piece }) {
  const part = upload.file.slice(offset, offset + piece);
  try {
    const path = `/api/uploads/${id}?offset=${offset}`;
    return await putPiece(path, part, upload.leaving.signal);
  } catch (error) {
    if (error.status === 409 && Number.isInteger(error.body?.offset)) return error.body;
    throw error;
  }
}

async function carry(upload) {
  const { file, folder } = upload;
  let at = null;
  let last = false; // all was sent, whatever became of the answer
  while (upload.state !== "cancelled") {
    try {
      at ??= await open(file, folder);
      Object.assign(upload, { state: "running", sent: at.offset, id: at.id });
      changed();
      if (at.path) return at.path; // an empty file
      last = at.offset + at.piece >= file.size;
      const answer = await send(upload, at);
      if (answer?.path !== undefined) return answer.path;
      if (answer.offset === at.offset) await rest(); // another page is at it
      at = { ...at, offset: answer.offset };
    } catch (error) {
      if (last && !at && error.status === 409) return folder ? `${folder}/${file.name}` : file.name;
      if (!(error instanceof Refused && busy(error))) throw error;
      upload.state = "waiting";
      changed();
      await rest();
      at = null; // ask anew how far it is
    }
  }
  return null;
}

// Wait until few enough others are being sent.
async function takeTurn() {
  if (going >= AT_ONCE) await new Promise((begin) => waiting.push(begin));
  else going += 1;
}

function giveTurn() {
  const next = waiting.shift();
  if (next) next();
  else going -= 1;
}

/** Send a file into a folder, once those before it are sent. */
export async function start(file, folder) {
  const leaving = new AbortController();
  const upload = { file, folder, sent: 0, state: "queued", error: "", path: "", leaving };
  uploads.add(upload);
  changed();
  await takeTurn();
  try {
    const path = await carry(upload);
    if (path !== null) Object.assign(upload, { state: "done", path, sent: file.size });
  } catch (error) {
    if (error.name !== "AbortError") Object.assign(upload, { state: "failed", error: error.message });
  } finally {
    giveTurn();
  }
  changed();
}

export function cancel(upload) {
  upload.state = "cancelled";
  upload.leaving.abort();
  if (upload.id) write("DELETE", `/api/uploads/${upload.id}`).catch(() => {});
  forget(upload);
}

export function forget(upload) {
  uploads.delete(upload);
  changed();
}
