// The uploads of this browser, with their progress.

import { data, make, setText } from "./dom.js";
import { fileAt } from "./places.js";
import { bytes, percent, t } from "./texts.js";
import * as uploads from "./uploads.js";

export function uploadList(signal) {
  const list = make("ul", { class: "uploads", "aria-label": t("upload.list") });
  const rows = new Map();
  uploads.watch(() => {
    for (const [upload, row] of rows) {
      if (uploads.all().includes(upload)) continue;
      row.item.remove();
      rows.delete(upload);
    }
    for (const upload of uploads.all()) {
      if (!rows.has(upload)) {
        rows.set(upload, makeRow(upload));
        list.append(rows.get(upload).item);
      }
      update(rows.get(upload), upload);
    }
    list.hidden = rows.size === 0;
  }, signal);
  return list;
}

function makeRow(upload) {
  const { name } = upload.file;
  const title = make("span", { class: "name" }, data(name));
  const bar = make("progress", { max: "1", value: "0", "aria-label": t("upload.of", { name }) });
  const state = make("span", { class: "facts" });
  const end = make("button", {
    type: "button",
    onclick: () => (upload.state === "done" || upload.state === "failed"
      ? uploads.forget(upload) : uploads.cancel(upload)),
  });
  const item = make("li", {}, title, bar, state, end);
  return { item, title, bar, state, end };
}

function update({ title, bar, state, end }, upload) {
  const { file, sent } = upload;
  const part = file.size ? sent / file.size : 1;
  bar.value = part;
  bar.hidden = upload.state === "done" || upload.state === "failed";
  const amount = { part: percent(part), size: bytes(file.size) };
  const words = {
    queued: () => t("upload.queued", amount),
    running: () => t("upload.running", amount),
    waiting: () => t("upload.waiting", amount),
    done: () => t("upload.done", amount),
    failed: () => upload.error,
    cancelled: () => "",
  };
  setText(state, words[upload.state]());
  state.classList.toggle("bad", upload.state === "failed");
  if (upload.state === "failed") state.setAttribute("translate", "no");
  const ended = upload.state === "done" || upload.state === "failed";
  const label = ended ? t("upload.forget") : t("upload.cancel");
  setText(end, label);
  end.setAttribute("aria-label", `${label}: ${file.name}`);
  if (upload.state === "done" && !title.querySelector("a")) {
    title.replaceChildren(make("a", { href: fileAt(upload.path) }, data(upload.path)));
  }
}
