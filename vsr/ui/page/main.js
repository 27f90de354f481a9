// The shell: language, connection, and the view that the address names.

import { about, get } from "./api.js";
import { announce, choice, find, make, said, setText } from "./dom.js";
import * as store from "./jobs_store.js";
import * as texts from "./texts.js";
import { batchView } from "./view_batch.js";
import { fileView } from "./view_file.js";
import { filesView } from "./view_files.js";
import { jobView } from "./view_job.js";
import { jobsView } from "./view_jobs.js";

const { t } = texts;
const VIEWS = { files: filesView, file: fileView, jobs: jobsView, job: jobView, batch: batchView };
const SECTIONS = { files: "files", file: "files", jobs: "jobs", job: "jobs", batch: "batch" };

let device = "";
let leaving = new AbortController(); // aborted when the view is left

function place() {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/");
  const path = rest.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  }).join("/");
  return name in VIEWS ? [name, path] : ["files", ""];
}

/** Show the view of the address. Focus goes to its heading, unless the page has just begun. */
async function show(focus) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [name, path] = place();
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.dataset.view === SECTIONS[name];
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = make("h1", { tabindex: "-1" });
  const root = make("div", { class: `view-${name}` }, heading);
  find("#view").replaceChildren(root);
  if (focus) scrollTo(0, 0);
  const tell = () => {
    if (heading.textContent) document.title = t("title", { what: heading.textContent });
  };
  try {
    const ready = VIEWS[name]({ root, heading, path, signal });
    tell();
    if (focus) heading.focus({ preventScroll: true });
    await ready;
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    if (!heading.textContent) heading.textContent = t("error.title");
    root.append(said(error.message, "p", { class: "note bad", role: "alert" }));
  }
  if (signal.aborted) return;
  tell();
  root.dataset.ready = "true";
}

function tellConnection() {
  const state = store.connection();
  const banner = find("#connection");
  banner.classList.toggle("shown", state === "lost" || state === "refused");
  const words = { lost: t("connection.lost"), refused: t("connection.refused") };
  setText(banner, words[state] ?? "");
  const busy = store.all().filter(({ state: one }) => ["queued", "running"].includes(one)).length;
  const count = find("#busy");
  count.hidden = busy === 0;
  setText(count, texts.number(busy));
}

async function speak(code) {
  await texts.load(code);
  texts.fill(document);
  await tellAbout();
}

async function tellAbout() {
  const { version, folder } = await about();
  const place = find("#about");
  place.setAttribute("translate", "no");
  setText(place, [t("about", { version, folder }), device].filter(Boolean).join(" · "));
}

// What the machine computes on is found out in seconds, which nobody waits for.
async function findDevice() {
  device = (await get("/api/device")).device;
  await tellAbout();
}

async function start() {
  const { languages } = await about();
  await speak(texts.preferred(languages));
  const pairs = languages.map((code) => [code, texts.nameOf(code)]);
  const select = find("#language");
  select.replaceWith(choice(pairs, texts.current(), { id: "language", translate: "no" }));
  find("#language").addEventListener("change", async ({ target }) => {
    texts.keep(target.value);
    await speak(target.value);
    tellConnection();
    await show(false);
    announce(t("language.changed"));
  });
  find("#skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address names the view
    find("#view h1").focus();
  });
  addEventListener("hashchange", () => show(true));
  store.connect();
  store.watch(tellConnection, new AbortController().signal);
  await show(false);
  await findDevice().catch(() => {});
}

start().catch(async (error) => {
  // Without the server's answer nothing can be shown; with its texts, at least why.
  await texts.load("en").catch(() => {});
  texts.fill(document);
  const refused = error.status === 401 || error.status === 403;
  const words = refused ? t("connection.refused") : t("connection.lost");
  find("#view").replaceChildren(make("h1", {}, t("error.title")),
    make("p", { class: "note bad", role: "alert" }, words));
});
