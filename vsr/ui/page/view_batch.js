// Batch: a folder in, a folder out, once or as files keep coming.

import { about, get, optionsOf } from "./api.js";
import { choicesFor, requestOf } from "./choices.js";
import { commandBar } from "./command_bar.js";
import { controls } from "./controls.js";
import { data, field, make, newId, tick } from "./dom.js";
import * as parts from "./job_parts.js";
import * as store from "./jobs_store.js";
import { moreOptions } from "./more_options.js";
import { jobAt } from "./places.js";
import { missing } from "./ready.js";
import { t } from "./texts.js";

export async function batchView({ root, heading, path, signal }) {
  heading.textContent = t("batch.title");
  const [server, options] = [await about(), await optionsOf("batch")];
  const choices = choicesFor("\0batch");
  choices.command = "batch";
  if (path || choices.folder === undefined) choices.folder = path;
  const request = () => requestOf(choices, choices.folder || ".", options);
  const bar = commandBar(choices, request,
    { run: t("run.batch"), named: true, suffix: () => "", missing: () => missing(choices, null, server.writable) }, signal);
  const list = make("datalist", { id: newId() });
  const folder = make("input", {
    type: "text", list: list.id, value: choices.folder, placeholder: ".", autocomplete: "off", translate: "no",
    oninput: () => {
      choices.folder = folder.value.trim();
      bar.later();
    },
  });
  const watching = options.some(({ flags }) => flags.includes("--watch"))
    ? [tick(t("batch.watch"), Boolean(choices.options.watch), ({ target }) => {
      choices.options.watch = target.checked || undefined;
      bar.later();
    }, make("p", { class: "hint" }, t("batch.watchhint")))] : [];
  const form = make("section", { class: "card" }, make("p", { class: "lead" }, t("lead.batch")),
    field(t("batch.folder"), folder, t("batch.folderhint")), list, ...watching,
    controls(choices, options, server, null, bar.later).element, moreOptions(choices, options, bar.later));
  root.append(make("div", { class: "two" }, make("div", { class: "doing" }, form, bar.element),
    make("div", { class: "see" }, batchJobs(signal))));
  const { entries } = await get("/api/files", { path: "" }, signal);
  list.append(...entries.filter(({ kind }) => kind === "folder")
    .map((entry) => make("option", { value: entry.path })));
}

// The batches there are, with how far each is; their reports stand with the jobs.
function batchJobs(signal) {
  const list = make("ul", { class: "jobs" });
  const none = make("p", { class: "hint" }, t("batch.none"));
  const rows = new Map();
  store.watch(() => {
    const jobs = store.all().filter(({ command }) => command === "batch").reverse();
    none.hidden = jobs.length > 0;
    for (const [id, row] of rows) {
      if (!jobs.some((job) => job.id === id)) {
        row.item.remove();
        rows.delete(id);
      }
    }
    for (const job of jobs) {
      if (!rows.has(job.id)) {
        rows.set(job.id, makeRow(job));
        list.prepend(rows.get(job.id).item);
      }
      const row = rows.get(job.id);
      parts.tellState(row.badge, job);
      parts.tellProgress(row.bar, job);
      row.line.textContent = parts.lineOf(job);
    }
  }, signal);
  return make("section", { class: "card" }, make("h2", {}, t("batch.jobs")), none, list);
}

function makeRow(job) {
  const [badge, bar] = [parts.stateBadge(), parts.progressBar()];
  const line = make("p", { class: "line" });
  const item = make("li", {}, make("h3", {}, make("a", { href: jobAt(job.id) }, ...parts.titleOf(job)), " ", badge),
    make("p", { class: "target" }, "→ ", data(job.target, "span", { dir: "auto" })), bar.element, line);
  return { item, badge, bar, line };
}
