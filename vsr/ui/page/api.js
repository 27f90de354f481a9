// The server's HTTP interface: docs/pages/internals/ui.md.

import { t } from "./texts.js";

export class Refused extends Error {
  constructor(message, status, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** The path of an address with its query, which may hold any name. */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const words = new URLSearchParams(given).toString();
  return words ? `${path}?${words}` : path;
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(t("error.unreachable"), 0, null);
  }
  const text = await answer.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;
  }
  if (answer.ok) return body;
  throw new Refused(body?.error ?? t("error.status", { status: answer.status }), answer.status, body);
}

export const get = (path, query, signal) => send(address(path, query), { signal });

export function write(method, path, value) {
  const headers = { "Content-Type": "application/json" };
  return send(path, { method, headers, body: JSON.stringify(value ?? {}) });
}

export function putPiece(path, piece, signal) {
  const headers = { "Content-Type": "application/octet-stream" };
  return send(path, { method: "PUT", headers, body: piece, signal });
}

export const media = (path) => address("/api/media", { path });

let aboutServer = null;

/** What the server is and can do; asked for once. */
export async function about() {
  aboutServer ??= await get("/api/about");
  return aboutServer;
}

const known = new Map();

/** The options of a command, as click has them; asked for once. */
export async function optionsOf(command) {
  if (!known.has(command)) {
    const answer = await get("/api/options", { command });
    known.set(command, Array.isArray(answer) ? answer : answer.options);
  }
  return known.get(command);
}
