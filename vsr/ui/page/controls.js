// The plain controls: model, size, strength, denoising, codec, container, quality, device.

import { choice, data, field, make, newId, said, tick } from "./dom.js";
import { grown } from "./ready.js";
import { has, number, percent, t } from "./texts.js";

const FACTORS = ["1", "1.5", "2", "3", "4", "8"];
const CODECS = ["h264", "hevc", "av1", "ffv1"];
const CONTAINERS = [".mp4", ".mkv", ".mov", ".webm"];
const DEVICES = ["auto", "cpu", "cuda", "mps", "xpu", "igpu"];

/** The words of the options that stand here, or on the picture and the timeline. */
export const PLAIN = new Set([
  "model", "scale", "width", "height", "size", "to", "strength", "denoise", "codec", "crf",
  "device", "record", "crop", "start", "end", "at", "duration", "source", "json", "quiet",
  "progress-preview", "open", "watch", "report", "pause-file", "help",
]);

/** What an option does: in the table, or as the command itself says it in English. */
export const helpOf = (option, name = "p") => {
  const key = `help.${option.name}`;
  return has(key) ? make(name, { class: "hint" }, t(key)) : said(option.help, name, { class: "hint" });
};

/**
 * The controls of those options that the command has.
 * @param {object} choices `options` is read and set
 * @param {object[]} options of the command
 * @param {{models: object[]}} server what /api/about tells
 * @param {{width, height, suffix}} source of the file; null for many files
 * @param {() => void} changed
 * @returns {{element, tell(): void}} `tell` is for after the region has changed
 */
export function controls(choices, options, server, source, changed) {
  const known = new Map(options.map((option) => [option.name, option]));
  const { command } = choices;
  const set = (values) => {
    Object.assign(choices.options, values);
    changed();
  };
  const row = (...fields) => make("div", { class: "pair" }, ...fields.filter(Boolean));
  const many = command === "preview";
  const sized = known.has("to") && sizeChoice(choices, source, set);
  const size = sized ? sized.element
    : known.has("scale") && wholeFactor(choices, known.get("scale"), set);
  const parts = [
    known.has("model") && many && takes(choices, server, changed),
    row(known.has("model") && !many && modelChoice(choices, server, set), size),
    row(known.has("strength") && strength(choices, set), known.has("denoise") && denoise(choices, set)),
    row(
      known.has("codec") && plainChoice(choices, "codec", ["", ...CODECS], codecName, set),
      command === "upscale" && container(choices, changed),
      known.has("crf") && quality(choices, set),
      known.has("device") && plainChoice(choices, "device", DEVICES, deviceName, set),
    ),
  ].filter((part) => part && part.children.length);
  if (known.has("record") && command !== "check") {
    const option = known.get("record");
    parts.push(tick(t("option.record"), choices.options.record !== false,
      ({ target }) => set({ record: target.checked }), helpOf(option)));
  }
  const element = make("div", { class: "controls" }, ...parts);
  return { element, tell: () => sized && sized.tell() };
}

const INTERPOLATIONS = new Set(["nearest", "bilinear", "bicubic", "lanczos"]);

/** The models, those that interpolate behind the networks. */
const inOrder = (models) => [...models].sort((a, b) =>
  INTERPOLATIONS.has(a.name) - INTERPOLATIONS.has(b.name));

const describe = (model) => {
  const key = `model.${model.name}`;
  return has(key) ? t(key) : said(model.says ?? "");
};

function modelChoice(choices, server, set) {
  const models = inOrder(server.models);
  const hint = make("p", { class: "hint" });
  const pairs = [["", t("model.automatic")], ...models.map(({ name }) => [name, name])];
  const tell = () => {
    const model = models.find(({ name }) => name === select.value);
    hint.replaceChildren(model ? describe(model) : t("model.automatichint"));
  };
  const select = choice(pairs, choices.options.model ?? "", {
    translate: "no",
    onchange: () => {
      tell();
      set({ model: select.value || undefined });
    },
  });
  tell();
  return field(t("option.model"), select, hint);
}

// The models that are shown side by side; none chosen: the one that would be taken.
function takes(choices, server, changed) {
  const models = inOrder(server.models);
  const boxes = models.map((model) => {
    const box = make("input", {
      type: "checkbox", id: newId(), checked: choices.takes.includes(model.name),
      onchange: () => {
        choices.takes = models.map(({ name }) => name).filter((name, i) => boxes[i].firstChild.checked);
        changed();
      },
    });
    const label = make("label", { for: box.id }, data(model.name, "span", { class: "code" }), " ",
      make("span", { class: "hint" }, describe(model)));
    return make("div", { class: "tick" }, box, label);
  });
  return make("fieldset", { class: "takes" }, make("legend", {}, t("takes.title")),
    make("p", { class: "hint" }, t("takes.hint")), make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("takes.title") }, ...boxes));
}

// One choice of a factor, a name, or numbers of one's own.
function sizeChoice(choices, source, set) {
  const { options } = choices;
  const names = ["720p", "1080p", "1440p", "4k", "8k"];
  const kind = () => {
    if (options.to) return options.to;
    if (options.width || options.height) return "pixels";
    if (options.scale) return FACTORS.includes(options.scale) ? `x${options.scale}` : "factor";
    return "";
  };
  const pairs = [["", t("size.default")], ...FACTORS.map((f) => [`x${f}`, factorName(f)]),
    ...names.map((name) => [name, t(`size.${name}`)]), ["factor", t("size.factor")], ["pixels", t("size.pixels")]];
  const own = make("div", { class: "own" });
  const hint = make("p", { class: "hint" });
  const select = choice(pairs, kind(), {
    onchange: () => {
      const { value } = select;
      const scale = value.startsWith("x") ? value.slice(1) : undefined;
      const to = names.includes(value) ? value : undefined;
      set({ scale: value === "factor" ? "2.5" : scale, to, width: undefined, height: undefined });
      if (value === "pixels") set({ width: source ? 2 * source.width : 1920 });
      fill();
    },
  });
  function fill() {
    const now = kind();
    const numberOf = (word) => make("input", {
      type: "number", min: 1, step: 1, value: options[word] ?? "",
      onchange: ({ target }) => set({ [word]: target.value || undefined }),
    });
    if (now === "pixels") {
      own.replaceChildren(field(t("size.width"), numberOf("width")), field(t("size.height"), numberOf("height")));
    } else if (now === "factor") {
      const input = make("input", {
        type: "text", value: options.scale, autocomplete: "off", size: 6,
        onchange: () => {
          set({ scale: input.value.trim() || undefined });
          tell();
        },
      });
      own.replaceChildren(field(t("size.own"), input));
    } else {
      own.replaceChildren();
    }
    tell();
  }
  function tell() {
    const factor = Number(options.scale ?? (options.to || options.width || options.height ? NaN : 4));
    const crop = source && (choices.crop ? grown(choices.crop, source) : [0, 0, source.width, source.height]);
    const more = choices.crop && crop && crop.some((one, index) => one !== choices.crop[index]);
    const shown = crop && Number.isFinite(factor);
    const size = shown && [crop[2], crop[3]].map((length) => number(Math.round(length * factor), 0)).join(" × ");
    const words = shown ? [t("size.becomes", { size })] : [];
    if (more) words.push(t("size.grown", { x: crop[0], y: crop[1], width: crop[2], height: crop[3] }));
    hint.textContent = words.join(" · ");
  }
  fill();
  return { element: make("div", {}, field(t("size.title"), select, hint), own), tell };
}

const factorName = (factor) => (factor === "1" ? t("size.same") : `× ${number(Number(factor))}`);

function wholeFactor(choices, option, set) {
  const most = option.most ?? 8;
  const pairs = [];
  for (let factor = 1; factor <= most; factor += 1) pairs.push([String(factor), factorName(String(factor))]);
  const select = choice(pairs, choices.options.scale ?? option.default ?? 4, {
    onchange: () => set({ scale: select.value }),
  });
  return field(t("size.title"), select);
}

function slider(value, oninput) {
  const output = make("output", { class: "value", "aria-live": "off" }, percent(value / 100));
  const range = make("input", {
    type: "range", min: 0, max: 100, step: 5, value, id: newId(),
    oninput: () => {
      output.textContent = percent(range.value / 100);
      oninput(range.value);
    },
  });
  output.setAttribute("for", range.id);
  return { range, output };
}

function strength(choices, set) {
  const { range, output } = slider(choices.options.strength ?? 100,
    (value) => set({ strength: value === "100" ? undefined : value }));
  const row = field(t("option.strength"), range, t("strength.hint"));
  range.after(output);
  row.classList.add("sliding");
  return row;
}

function denoise(choices, set) {
  const now = choices.options.denoise;
  const { range, output } = slider(now ?? 50, (value) => set({ denoise: value }));
  const row = field(t("option.denoise"), range, t("denoise.hint"));
  const free = tick(t("denoise.auto"), now === undefined, ({ target }) => {
    range.disabled = target.checked;
    set({ denoise: target.checked ? undefined : range.value });
  });
  range.disabled = now === undefined;
  range.after(output);
  row.classList.add("sliding");
  row.append(free);
  return row;
}

const codecName = (codec) => (codec ? t(`codec.${codec}`) : t("choice.default"));
const deviceName = (device) => t(`device.${device}`);

function plainChoice(choices, word, values, nameOf, set) {
  const pairs = values.map((value) => [value, nameOf(value)]);
  const select = choice(pairs, choices.options[word] ?? "", {
    onchange: () => set({ [word]: select.value === "auto" ? undefined : select.value || undefined }),
  });
  return field(t(`option.${word}`), select);
}

function container(choices, changed) {
  const pairs = [["", t("container.source")], ...CONTAINERS.map((suffix) => [suffix, suffix.slice(1)])];
  const select = choice(pairs, choices.container, {
    translate: "no",
    onchange: () => {
      choices.container = select.value;
      choices.target = "";
      changed();
    },
  });
  return field(t("container.title"), select);
}

function quality(choices, set) {
  const input = make("input", {
    type: "number", min: 0, max: 63, step: 1, value: choices.options.crf ?? "", placeholder: "18",
    onchange: () => set({ crf: input.value || undefined }),
  });
  return field(t("option.crf"), input, t("crf.hint"));
}
