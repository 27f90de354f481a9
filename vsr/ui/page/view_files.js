// Choose: what the served folder holds, a file dropped here, or an address.

import { about, get } from "./api.js";
import { data, field, icon, make, newId } from "./dom.js";
import * as store from "./jobs_store.js";
import { ICONS, batchAt, fileAt, folderAt } from "./places.js";
import { bytes, moment, t } from "./texts.js";
import * as uploads from "./uploads.js";
import { uploadList } from "./upload_list.js";

export async function filesView({ root, heading, path, signal }) {
  const { folder, writable, limits } = await about();
  const base = folder.split(/[\\/]/).filter(Boolean).pop() ?? folder;
  heading.append(data(path ? path.split("/").pop() : base));
  const list = make("ul", { class: "entries card", "aria-label": t("files.list") });
  const left = make("p", { class: "note", hidden: true }, t("files.more"));
  const side = make("div", { class: "side" }, addressForm());
  if (path) root.prepend(crumbs(base, path));
  root.append(make("div", { class: "columns" }, make("div", {}, list, left, forFolder(path)), side));
  side.prepend(writable ? dropping(path, limits, signal)
    : make("p", { class: "note" }, t("upload.readonly")));
  const fill = async () => {
    const { entries, more } = await get("/api/files", { path }, signal);
    show(list, entries);
    left.hidden = !more;
  };
  await fill();
  followEnds(fill, signal);
}

function crumbs(base, path) {
  const steps = path ? path.split("/") : [];
  const links = [make("a", { href: folderAt("") }, data(base))];
  steps.forEach((step, index) => {
    links.push(make("a", { href: folderAt(steps.slice(0, index + 1).join("/")) }, data(step)));
  });
  links.at(-1).setAttribute("aria-current", "page");
  const items = links.map((link) => make("li", {}, link));
  return make("nav", { class: "crumbs", "aria-label": t("files.path") }, make("ol", {}, ...items));
}

// The list anew, without taking the focus from the entry that has it.
function show(list, entries) {
  const held = list.contains(document.activeElement) ? document.activeElement.hash : null;
  const items = entries.map(entryItem);
  if (!items.length) items.push(make("li", { class: "empty" }, t("files.empty")));
  list.replaceChildren(...items);
  if (held !== null) [...list.querySelectorAll("a")].find((a) => a.hash === held)?.focus();
}

function entryItem({ name, path, kind, bytes: size, modified }) {
  const facts = kind === "folder" ? [] : [bytes(size ?? 0)];
  if (modified) facts.push(moment(Number(modified)));
  const words = [
    make("span", { class: "picture" }, icon(ICONS[kind] ?? ICONS.other)),
    data(name, "span", { class: "name", dir: "auto" }),
    make("span", { class: "unseen" }, t(`kind.${kind}`)),
    make("span", { class: "facts" }, facts.join(" · ")),
  ];
  if (kind === "other") return make("li", {}, make("div", { class: "entry" }, ...words));
  const href = kind === "folder" ? folderAt(path) : fileAt(path);
  return make("li", {}, make("a", { class: "entry", href }, ...words));
}

const forFolder = (path) =>
  make("p", {}, make("a", { class: "button", href: batchAt(path) }, t("files.batch")));

function dropping(folder, limits, signal) {
  const input = make("input", { type: "file", multiple: true, class: "unseen", id: newId() });
  const label = make("label", { for: input.id, class: "drop" }, make("strong", {}, t("upload.choose")),
    make("span", {}, t("upload.drop")));
  if (limits?.upload) label.append(make("small", {}, t("upload.limit", { size: bytes(limits.upload) })));
  const take = (files) => {
    for (const file of files) uploads.start(file, folder);
  };
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  const card = make("section", { class: "card" }, make("h2", {}, t("upload.title")), input, label,
    uploadList(signal));
  const over = (yes) => (event) => {
    event.preventDefault();
    label.classList.toggle("over", yes);
  };
  // Wherever on the page: a file dropped beside would be opened by the browser instead.
  addEventListener("dragover", over(true), { signal });
  addEventListener("dragleave", over(false), { signal });
  addEventListener("drop", (event) => {
    over(false)(event);
    take(event.dataTransfer.files);
  }, { signal });
  return card;
}

function addressForm() {
  const input = make("input", {
    type: "url", required: true, placeholder: "rtsp://", spellcheck: "false", autocomplete: "off",
    pattern: "[a-zA-Z][a-zA-Z0-9+.\\-]*://.+",
  });
  return make("form", {
    class: "card",
    onsubmit: (event) => {
      event.preventDefault();
      location.hash = fileAt(input.value.trim());
    },
  }, make("h2", {}, t("address.title")), field(t("address.label"), input, t("address.hint")),
  make("button", {}, t("address.open")));
}

// Ended jobs and uploads have written files.
function followEnds(fill, signal) {
  const ended = () => store.all().filter((job) => store.ENDED.has(job.state)).length
    + uploads.all().filter((upload) => upload.state === "done").length;
  let seen = ended();
  const look = () => {
    if (ended() === seen) return;
    seen = ended();
    fill().catch(() => {});
  };
  store.watch(look, signal);
  uploads.watch(look, signal);
}

