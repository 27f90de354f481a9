// What a file holds, in plain words, and tables of what a command tells.

import { data, make } from "./dom.js";
import { bytes, clock, number, span, t } from "./texts.js";

/** Rows of a term and what it is; null rows are left out. */
export function factList(rows) {
  const items = rows.filter(Boolean).map(([term, ...values]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, ...values)));
  return make("dl", { class: "facts" }, ...items);
}

const fraction = (text) => {
  const [top, bottom = "1"] = String(text).split("/");
  return Number(top) / Number(bottom);
};

/** Size as shown, length and frame of what `vsr probe` told: {width, height, grid, duration, step, still}. */
export function sizeOf(path, probe, kind) {
  const { width, height, grid } = probe.shown;
  const rate = probe.video.frame_rate ? fraction(probe.video.frame_rate) : 25;
  const duration = Number(probe.duration ?? 0) || 0;
  const still = kind === "image";
  return { path, width, height, grid, duration, step: 1 / rate, still };
}

/** What `vsr probe` told of a file. */
export function probeFacts(probe, size) {
  const { video, streams = [], judgement } = probe;
  const of = (kind) => streams.filter((stream) => stream.kind === kind);
  const rate = video.frame_rate ? number(fraction(video.frame_rate), 3) : null;
  const shape = t("probe.size", { width: number(size.width, 0), height: number(size.height, 0) });
  return factList([
    [t("probe.picture"), shape],
    rate && !size.still && [t("probe.pace"), t("probe.rate", { rate })],
    size.duration > 0 && [t("probe.length"), span(size.duration), frames(video.expected_frames)],
    [t("probe.video"), data(codecsOf(of("video"), probe)), ...depth(video.format)],
    of("audio").length > 0 && [t("probe.audio"), data(of("audio").map(audioWords).join("; "))],
    of("subtitle").length > 0 && [t("probe.subtitles"), data(of("subtitle").map(wordsOf).join("; "))],
    probe.chapters > 0 && [t("probe.chapters"), number(probe.chapters)],
    scan(probe) && [t("probe.scan"), scan(probe)],
    judgement && [t("probe.look"), judgement.is_footage ? t("probe.footage") : t("probe.clean")],
  ]);
}

const frames = (count) => (count ? `, ${t("probe.frames", { n: count })}` : "");
const codecsOf = (videos, probe) => videos.map(({ codec }) => codec).join(", ") || probe.container || "";
const depth = (format) => (format?.depth > 8 ? [", ", t("probe.depth", { bits: format.depth })] : []);
const wordsOf = ({ codec, language }) => (language && language !== "und" ? `${codec} (${language})` : codec);
const audioWords = (stream) => [wordsOf(stream), stream.details?.layout].filter(Boolean).join(" ");

function scan({ interlaced, telecined }) {
  if (telecined) return t("probe.telecined");
  return interlaced ? t("probe.interlaced") : "";
}

/** Any JSON value as nested tables: names and values as they are in the file. */
export function recordTable(value, caption) {
  const body = make("tbody", {}, ...Object.entries(value).map(recordRow));
  return make("table", { class: "record", translate: "no", lang: "en" },
    make("caption", { translate: "yes", lang: document.documentElement.lang }, caption), body);
}

function recordRow([name, value]) {
  const head = make("th", { scope: "row" }, name.replaceAll("_", " "));
  return make("tr", {}, head, make("td", {}, recordValue(value)));
}

function recordValue(value) {
  if (value === null || value === "") return "–";
  if (Array.isArray(value)) {
    const plain = value.every((one) => typeof one !== "object" || one === null);
    if (plain) return value.join(", ") || "–";
    return make("ul", {}, ...value.map((one) => make("li", {}, recordValue(one))));
  }
  if (typeof value === "object") {
    const rows = Object.entries(value);
    return rows.length ? make("table", {}, make("tbody", {}, ...rows.map(recordRow))) : "–";
  }
  return String(value);
}

/** A table with a row of heads. */
export function table(caption, heads, rows) {
  return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    make("table", { class: "grid" }, make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell, index) => (index
        ? make("td", {}, cell) : make("th", { scope: "row" }, cell))))))));
}

/** What `vsr check` found. */
export function checkFacts(result) {
  return factList([
    [t("check.psnr"), t("check.decibel", { value: Number(result.psnr) })],
    [t("check.frames"), number(result.frames, 0)],
    [t("check.largest"), t("check.steps", { value: Number(result.largest) }),
      " ", t("check.at", { time: clock(Number(result.largest_at)) })],
    [t("check.flicker"), t("check.flickers", {
      output: Number(result.flicker), source: Number(result.source_flicker),
    })],
    [t("check.overshoot"), number(Number(result.overshoot), 4)],
  ]);
}

/** What the whole would cost, by each take of a preview. */
export function costTable(result) {
  const heads = [t("cost.model"), t("cost.speed"), t("cost.time"), t("cost.size")];
  const rows = result.takes.map((take) => [
    data([take.model, take.strength === undefined || take.strength === 100 ? "" : take.strength].join(" ").trim()),
    t("cost.fps", { fps: Number(take.fps) }),
    take.whole_seconds == null ? "–" : span(take.whole_seconds),
    take.whole_bytes == null ? "–" : bytes(take.whole_bytes),
  ]);
  return table(t("cost.title"), heads, rows);
}
