// Run: the queue, and what has ended.

import { address } from "./api.js";
import { make, said, setText } from "./dom.js";
import * as parts from "./job_parts.js";
import * as store from "./jobs_store.js";
import { folderAt, isAddress, jobAt } from "./places.js";
import { number, t } from "./texts.js";

const GROUPS = ["active", "queued", "ended"];
const groupOf = ({ state }) => {
  if (store.ENDED.has(state)) return "ended";
  return state === "queued" ? "queued" : "active";
};

export async function jobsView({ root, heading, signal }) {
  heading.textContent = t("jobs.title");
  const empty = make("p", { class: "note", hidden: true }, t("jobs.none"), " ",
    make("a", { href: folderAt("") }, t("jobs.choose")));
  const groups = new Map(GROUPS.map((name) => [name, group(name)]));
  root.append(empty, ...[...groups.values()].map(({ section }) => section));
  const rows = new Map();
  store.watch(() => {
    const held = document.activeElement;
    const jobs = store.all();
    forgetGone(rows, jobs);
    for (const name of GROUPS) fillGroup(groups.get(name), ordered(name, jobs), rows);
    empty.hidden = jobs.length > 0 || store.connection() === "connecting";
    // Whoever was moved in the list has lost the focus.
    if (held !== document.activeElement && root.contains(held)) held.focus({ preventScroll: true });
    else if (!document.contains(held) && document.activeElement === document.body) {
      heading.focus({ preventScroll: true });
    }
  }, signal);
}

function group(name) {
  const count = make("span", { class: "count" });
  const list = make("ul", { class: "jobs" });
  const section = make("section", { class: `group ${name}` },
    make("h2", {}, t(`jobs.${name}`), " ", count), list);
  return { section, list, count };
}

function ordered(name, jobs) {
  const mine = jobs.filter((job) => groupOf(job) === name);
  if (name === "ended") return mine.sort((a, b) => (b.ended ?? 0) - (a.ended ?? 0));
  return mine.sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
}

function forgetGone(rows, jobs) {
  const there = new Set(jobs.map(({ id }) => id));
  for (const [id, row] of rows) {
    if (there.has(id)) continue;
    row.item.remove();
    rows.delete(id);
  }
}

function fillGroup({ section, list, count }, jobs, rows) {
  section.hidden = jobs.length === 0;
  setText(count, number(jobs.length));
  jobs.forEach((job, index) => {
    if (!rows.has(job.id)) rows.set(job.id, makeRow(job));
    const row = rows.get(job.id);
    if (row.job !== job) update(row, job);
    if (list.children[index] !== row.item) list.insertBefore(row.item, list.children[index] ?? null);
  });
}

function makeRow(job) {
  const badge = parts.stateBadge();
  const line = make("p", { class: "line" });
  const bar = parts.progressBar();
  const buttons = parts.jobButtons(job.id);
  const image = make("img", { class: "last missing", alt: "", loading: "lazy" });
  const blank = make("span", { class: "last blank", "aria-hidden": "true" });
  image.addEventListener("load", () => show(true));
  image.addEventListener("error", () => show(false));
  const show = (yes) => {
    image.classList.toggle("missing", !yes);
    blank.hidden = yes;
  };
  const target = make("p", { class: "target" });
  const item = make("li", { class: "card job" }, make("div", { class: "thumb" }, image, blank),
    make("div", { class: "body" },
      make("h3", {}, make("a", { href: jobAt(job.id) }, ...parts.titleOf(job)), " ", badge),
      target, bar.element, line), buttons.element);
  return { item, badge, line, bar, buttons, image, target, picture: "" };
}

// The frame that was finished last; before there is one, and for others, the source's first.
function pictureOf(job) {
  const { id, command, progress, source } = job;
  if (command === "upscale" && progress?.frames > 1) {
    return address(`/api/jobs/${id}/frame.jpg`, { frames: progress.frames });
  }
  if (command === "batch" || isAddress(source)) return "";
  return address("/api/frame.jpg", { path: source, at: 0, width: 256 });
}

function update(row, job) {
  row.job = job;
  row.item.dataset.state = job.state;
  parts.tellState(row.badge, job);
  parts.tellProgress(row.bar, job);
  parts.tellButtons(row.buttons, job);
  row.line.replaceChildren(parts.lineOf(job));
  if (job.error) {
    row.line.replaceChildren(said(job.error, "span", { class: "bad" }));
  }
  if (job.target) row.target.replaceChildren(...parts.targetOf(job));
  if (job.priority) row.target.append(" ", make("span", { class: "count" }, t("job.priority", { n: job.priority })));
  const picture = pictureOf(job);
  if (picture === row.picture) return;
  row.picture = picture;
  if (picture) row.image.src = picture;
}
