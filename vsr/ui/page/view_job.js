// One job: how far it is, what it says, and what came of it.

import { address, get, media } from "./api.js";
import { commandLine } from "./command_bar.js";
import { data, make, said, setText } from "./dom.js";
import { checkFacts, costTable, factList, recordTable, table } from "./facts.js";
import * as parts from "./job_parts.js";
import * as store from "./jobs_store.js";
import { choicesFor } from "./choices.js";
import { fileAt } from "./places.js";
import { player, saveLink } from "./player.js";
import { number, span, t } from "./texts.js";
import { pageFrame } from "./view_file.js";

const LOG_PAUSE = 1500; // milliseconds between two looks at the log

export async function jobView({ root, heading, path: id, signal }) {
  if (!store.job(id)) {
    const job = await get(`/api/jobs/${encodeURIComponent(id)}`, {}, signal);
    if (!store.job(id)) store.put(job);
  }
  const first = store.job(id);
  heading.append(...parts.titleOf(first));
  const badge = parts.stateBadge();
  const line = make("p", { class: "line" });
  const bar = parts.progressBar();
  const buttons = parts.jobButtons(id, true);
  const trouble = make("p", { class: "note bad", hidden: true });
  const notes = make("ul", { class: "notes", hidden: true, "aria-label": t("job.notes") });
  const outcome = make("div", { class: "outcome" });
  const last = lastFrame(first);
  const { element: command } = commandLine(first.line);
  const gone = make("p", { class: "note", hidden: true }, t("job.gone"));
  root.append(gone, make("section", { class: "card now" },
    make("p", { class: "stands" }, badge), line, bar.element, trouble, notes, buttons.element),
  outcome, last.element,
  make("section", { class: "card" }, command, filesOf(first)),
  logPart(id, signal));
  const spoken = make("p", { class: "unseen", role: "status" });
  root.append(spoken);
  let shown = "";
  let told = "";
  store.watch(() => {
    const job = store.job(id);
    gone.hidden = Boolean(job) || store.connection() !== "live";
    buttons.element.hidden = !job;
    if (!job) return;
    parts.tellState(badge, job);
    parts.tellProgress(bar, job);
    parts.tellButtons(buttons, job);
    setText(line, parts.lineOf(job));
    setText(spoken, spokenOf(job));
    trouble.hidden = !job.error;
    if (told !== job.error) trouble.replaceChildren(said(job.error ?? ""));
    told = job.error;
    notes.hidden = !job.notes?.length;
    if (notes.children.length !== job.notes?.length) {
      notes.replaceChildren(...(job.notes ?? []).map((note) => said(note, "li")));
    }
    last.tell(job);
    if (shown === job.state) return;
    shown = job.state;
    outcome.replaceChildren();
    if (job.state === "done" || (job.command === "batch" && parts.ended(job))) {
      showOutcome(outcome, job, signal);
    }
  }, signal);
}

// Read out at each quarter, not at each frame.
function spokenOf(job) {
  const part = parts.partOf(job);
  const state = t(`state.${job.state}`);
  if (job.state !== "running" || part === null) return state;
  return t("job.spoken", { state, percent: number(25 * Math.floor(4 * part)) });
}

function filesOf(job) {
  return factList([
    [job.command === "check" ? t("check.source") : t("job.source"), ...(job.sources ?? [job.source]).map((source) =>
      make("div", {}, make("a", { href: fileAt(source) }, data(source, "span", { dir: "auto" }))))],
    job.target && [job.command === "check" ? t("job.checked") : t("job.target"), data(job.target, "span", { dir: "auto" })],
  ]);
}

function lastFrame(job) {
  const image = make("img", { alt: t("job.lastframe") });
  const element = make("figure", { class: "card lastframe", hidden: true },
    make("figcaption", {}, t("job.lastframe")), image);
  let at = -1;
  image.addEventListener("load", () => { element.hidden = false; });
  image.addEventListener("error", () => { element.hidden = true; });
  function tell({ id, command, state, progress, begun }) {
    if (state === "done" || command !== "upscale" || !begun) {
      element.hidden = true;
      return;
    }
    if (progress?.frames === at) return;
    at = progress?.frames;
    image.src = address(`/api/jobs/${id}/frame.jpg`, { frames: at });
  }
  tell(job);
  return { element, tell };
}

/* What came of it. */

const OUTCOMES = { upscale: upscaled, preview: previewed, fuse: fused, check: checked, batch: batched };

async function showOutcome(outcome, job, signal) {
  try {
    await OUTCOMES[job.command](outcome, job, signal);
  } catch (error) {
    if (error.name === "AbortError" || job.state !== "done") return;
    outcome.append(make("p", { class: "note" }, said(error.message)));
  }
}

async function recordOf(asked, path, signal) {
  const record = await get(asked, { path }, signal).catch(() => null);
  if (!record || typeof record !== "object") return null;
  return make("details", { class: "card" }, make("summary", {}, t("record.title")),
    recordTable(record, t("record.caption")));
}

async function upscaled(outcome, job, signal) {
  const result = job.result ?? {};
  outcome.append(make("section", { class: "card" }, make("h2", {}, t("job.result")), player(job.target),
    factList([
      result.width && [t("probe.picture"), t("probe.size", {
        width: number(result.width, 0), height: number(result.height, 0),
      })],
      result.frames_out && [t("check.frames"), number(result.frames_out, 0)],
      result.model && [t("option.model"), data(result.model)],
      result.fps && [t("probe.pace"), t("cost.fps", { fps: Number(result.fps) })],
    ]), checkLink(job)));
  const record = await recordOf("/api/record", job.target, signal);
  if (record) outcome.append(record);
}

// On to the check of what was made, with its source filled in.
function checkLink(job) {
  const go = () => {
    Object.assign(choicesFor(job.target), { command: "check", source: job.source });
  };
  return make("p", {}, make("a", { class: "button", href: fileAt(job.target), onclick: go }, t("job.check")));
}

async function previewed(outcome, job) {
  const { result } = job;
  outcome.append(pageFrame(job.target));
  if (result?.takes) outcome.prepend(make("section", { class: "card" }, costTable(result)));
}

async function fused(outcome, job, signal) {
  const { result } = job;
  if (!result) {
    outcome.append(make("section", { class: "card" }, make("h2", {}, t("job.result")), player(job.target)));
    return;
  }
  const { files } = result;
  const at = (name) => beside(job.target, files[name]);
  const pictures = [["still", t("fuse.still")], ["best", t("fuse.best")], ["network", t("fuse.network")],
    ["mean", t("fuse.mean")], ["error", t("fuse.error")]].filter(([name]) => files[name]);
  const figures = pictures.map(([name, caption]) => make("figure", {},
    make("img", { src: media(at(name)), alt: "" }), make("figcaption", {}, caption)));
  const facts = factList([
    [t("fuse.used"), t("fuse.usedof", { used: number(result.used), all: number(result.frames) })],
    [t("fuse.motion"), data(result.motion)],
    [t("fuse.knowledge"), said(result.knowledge)],
  ]);
  outcome.append(make("section", { class: "card" }, make("h2", {}, t("job.result")),
    make("div", { class: "gallery" }, ...figures), saveLink(at("still")), facts));
  if (files.page) outcome.append(pageFrame(at("page")));
  const record = files.record && await recordOf("/api/media", at("record"), signal);
  if (record) outcome.append(record);
}

// A companion of the target: of its name in the target's folder.
function beside(target, file) {
  const folder = target.split("/").slice(0, -1);
  return [...folder, file.split(/[\\/]/).pop()].join("/");
}

async function checked(outcome, job) {
  if (!job.result) return;
  outcome.append(make("section", { class: "card" }, make("h2", {}, t("job.result")), checkFacts(job.result)));
}

/** What became of each file of a batch; one that was cancelled may have no report. */
async function batched(outcome, job, signal) {
  const report = await get(`/api/jobs/${job.id}/report`, {}, signal);
  const heads = [t("report.file"), t("report.status"), t("report.time"), t("report.frames")];
  const rows = report.map((one) => [
    data(one.source.split(/[\\/]/).pop(), "span", { dir: "auto" }),
    one.reason ? [t(`status.${one.status}`), ": ", said(one.reason)] : t(`status.${one.status}`),
    one.seconds ? span(Number(one.seconds)) : "–",
    one.frames ? number(Number(one.frames), 0) : "–",
  ].map((cell) => (Array.isArray(cell) ? make("span", {}, ...cell) : cell)));
  outcome.append(make("section", { class: "card" }, table(t("report.title"), heads, rows)));
}

/* What it says. */

function logPart(id, signal) {
  const text = make("pre", {
    class: "log", tabindex: "0", role: "region", "aria-label": t("job.log"), lang: "en", translate: "no",
  });
  const details = make("details", { class: "card" }, make("summary", {}, t("job.log")), text);
  let from = 0;
  let timer = null;
  async function look() {
    clearTimeout(timer);
    if (!details.open || signal.aborted) return;
    try {
      const piece = await get(`/api/jobs/${id}/log`, { from }, signal);
      const low = text.scrollHeight - text.scrollTop - text.clientHeight < 30;
      if (piece.text) text.append(piece.text);
      else if (!from) setText(text, "–");
      from = piece.next;
      if (low) text.scrollTop = text.scrollHeight;
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    timer = setTimeout(look, LOG_PAUSE);
  }
  details.addEventListener("toggle", look);
  signal.addEventListener("abort", () => clearTimeout(timer));
  return details;
}

