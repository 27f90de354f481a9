// See: what a file holds, a moment of it, a region and a span, and what shall be made of it.

import { about, address, get, optionsOf } from "./api.js";
import { choicesFor, requestOf } from "./choices.js";
import { commandBar } from "./command_bar.js";
import { controls } from "./controls.js";
import { choice, data, field, make, newId, said } from "./dom.js";
import { probeFacts, recordTable, sizeOf } from "./facts.js";
import { moreOptions } from "./more_options.js";
import { picture } from "./picture.js";
import { folderAt, folderOf, isAddress, nameIn, suffixOf } from "./places.js";
import { player } from "./player.js";
import { missing } from "./ready.js";
import { timeline } from "./timeline.js";
import { t } from "./texts.js";

const COMMANDS = ["upscale", "preview", "fuse", "check"];

export async function fileView({ root, heading, path, signal }) {
  heading.append(data(nameIn(path), "span", { dir: "auto" }));
  const server = await about();
  if (!isAddress(path)) {
    root.prepend(make("p", { class: "up" }, "← ", make("a", { href: folderAt(folderOf(path)) },
      data(nameIn(folderOf(path)) || server.folder))));
  }
  if ([".html", ".htm"].includes(suffixOf(path))) {
    root.append(pageFrame(path));
    return;
  }
  const choices = choicesFor(path);
  const see = make("div", { class: "see" });
  const doing = make("div", { class: "doing" });
  root.append(make("div", { class: "two" }, see, doing));
  const file = { path, size: null, signal };
  let shown = null;
  const changed = () => shown?.told();
  if (isAddress(path)) {
    see.append(make("p", { class: "note" }, t("file.live")));
  } else {
    await look(see, file, choices, changed);
  }
  const fill = async () => {
    shown = await form(place, file, choices, server) ?? shown;
  };
  const place = make("div");
  const trouble = (error) => place.replaceChildren(make("p", { class: "note bad" }, said(error.message)));
  doing.append(commandChoice(file, choices, () => fill().catch(trouble)), place);
  await fill();
  if (!isAddress(path)) await asItIs(see, path, signal);
}

// A file that cannot be read is told so; what can be made of it is still offered.
async function look(see, file, choices, changed) {
  const { path, signal } = file;
  try {
    const probe = await get("/api/probe", { path }, signal);
    file.size = sizeOf(path, probe, kindOf(path));
    lookAt(see, file, choices, changed, probe);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    see.append(make("p", { class: "note bad" }, said(error.message)));
  }
}

const IMAGES = new Set([".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".jxl", ".heic",
  ".avif", ".exr", ".dpx", ".ppm", ".pgm"]);
const kindOf = (path) => (IMAGES.has(suffixOf(path)) ? "image" : "video");

/** A page that vsr made, shut off from this one. */
export function pageFrame(path) {
  const source = address("/api/page", { path });
  return make("div", { class: "page" },
    make("iframe", { src: source, sandbox: "allow-scripts", title: t("page.frame", { name: nameIn(path) }) }),
    make("p", {}, make("a", { href: source, target: "_blank", rel: "noopener" }, t("page.open"))));
}

function lookAt(see, file, choices, changed, probe) {
  const { size, signal } = file;
  const shown = picture(size, choices, changed);
  see.append(shown.element);
  const place = make("div", { class: "place" });
  if (!size.still && size.duration > 0) {
    const moved = (what) => (what === "at" ? (shown.show(), follow()) : changed());
    const follow = () => (choices.command === "upscale" ? undefined : changed());
    const time = timeline(size, choices, moved, signal);
    see.append(time.element);
    place.append(time.fields);
  }
  place.prepend(shown.fields);
  see.append(place, make("section", { class: "card" }, make("h2", {}, t("file.holds")), probeFacts(probe, size)));
  shown.show();
}

// What is there beside the picture: the file as the browser plays it, and its record.
async function asItIs(see, path, signal) {
  const box = make("details", { class: "card" }, make("summary", {}, t("file.asis")));
  box.addEventListener("toggle", () => {
    if (box.open && !box.querySelector(".player")) box.append(player(path));
  });
  see.append(box);
  try {
    const record = await get("/api/record", { path }, signal);
    if (record && typeof record === "object") {
      see.append(make("details", { class: "card" }, make("summary", {}, t("record.title")),
        recordTable(record, t("record.caption"))));
    }
  } catch {
    // There is none.
  }
}

// All that is chosen for one command; another command is another form.
async function form(place, file, choices, server) {
  const { path, size, signal } = file;
  const { command } = choices;
  let bar = null;
  const later = () => bar.later();
  const options = await optionsOf(command);
  const source = command === "check" ? await sourceField(choices, path, later, signal) : null;
  if (signal.aborted || choices.command !== command) return null; // another was chosen meanwhile
  const request = () => requestOf(choices, path, options);
  const run = t(`run.${choices.command}`);
  const named = choices.command !== "check";
  const suffix = () => (choices.command === "upscale" ? choices.container : "");
  const lacks = () => missing(choices, size, server.writable);
  bar = commandBar(choices, request, { run, named, suffix, missing: lacks }, signal);
  const plain = make("section", { class: "card", "aria-label": t(`command.${choices.command}`) },
    make("p", { class: "lead" }, t(`lead.${choices.command}`)));
  if (choices.command === "preview") plain.append(previewPart(choices, later, Boolean(size?.duration)));
  if (source) plain.append(source);
  const set = controls(choices, options, server, size, later);
  plain.append(set.element, moreOptions(choices, options, later));
  place.replaceChildren(plain, bar.element);
  const told = () => {
    set.tell();
    later();
  };
  return { told };
}

// Of one image there is nothing to fuse, and no moment to show.
function commandsFor({ path, size }) {
  if (isAddress(path)) return ["upscale"];
  return size?.still ?? kindOf(path) === "image" ? ["upscale", "check"] : COMMANDS;
}

function commandChoice(file, choices, again) {
  const offered = commandsFor(file);
  if (!offered.includes(choices.command)) choices.command = "upscale";
  const name = newId();
  const radios = offered.map((command) => make("label", {}, make("input", {
    type: "radio", name, value: command, checked: choices.command === command,
    onchange: () => {
      choices.command = command;
      choices.target = "";
      again();
    },
  }), make("span", {}, t(`command.${command}`))));
  return make("fieldset", { class: "commands" }, make("legend", { class: "unseen" }, t("command.what")), ...radios);
}

function previewPart(choices, changed, timed) {
  const from = choice(["moment", "frame", "span"].map((key) => [key, t(`from.${key}`)]), choices.from, {
    onchange: () => {
      choices.from = from.value;
      changed();
    },
  });
  const seconds = make("input", {
    type: "number", min: 0.2, max: 60, step: "any", value: choices.seconds,
    onchange: () => {
      choices.seconds = Number(seconds.value) || 3;
      changed();
    },
  });
  const parts = timed ? [field(t("from.title"), from), field(t("from.seconds"), seconds)] : [];
  return make("div", { class: "pair" }, ...parts);
}

// What a checked file was made from: its record says so, or the user.
async function sourceField(choices, path, changed, signal) {
  const list = make("datalist", { id: newId() });
  const input = make("input", {
    type: "text", list: list.id, value: choices.source, autocomplete: "off", translate: "no",
    oninput: () => {
      choices.source = input.value.trim();
      changed();
    },
  });
  const { entries } = await get("/api/files", { path: folderOf(path) }, signal);
  const others = entries.filter(({ kind, path: other }) => ["video", "image"].includes(kind) && other !== path);
  list.append(...others.map((other) => make("option", { value: other.path })));
  if (!choices.source) {
    const recorded = await get("/api/record", { path }, signal).catch(() => null);
    const name = recorded?.source?.path?.split(/[\\/]/).pop();
    const found = others.find((other) => other.name === name);
    if (found) choices.source = found.path;
    input.value = choices.source;
  }
  return make("div", {}, field(t("check.source"), input, t("check.hint")), list);
}

