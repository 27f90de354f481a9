// All other options, from what the command says of itself.

import { choice, field, make, tick } from "./dom.js";
import { PLAIN, helpOf } from "./controls.js";
import { has, t } from "./texts.js";

const GROUPS = ["picture", "read", "compute", "encode", "streams", "run", "command"];
const opened = { now: false }; // kept while the page lives

/** The options that have no control of their own, by their groups, folded away. */
export function moreOptions(choices, options, changed) {
  const rest = options.filter((option) => !PLAIN.has(option.name));
  if (!rest.length) return make("div");
  const groups = GROUPS.map((group) => [group, rest.filter((option) => groupOf(option) === group)])
    .filter(([, members]) => members.length)
    .map(([group, members]) => make("fieldset", { class: "options" },
      make("legend", {}, t(`group.${group}`)), ...members.map((one) => control(one, choices, changed))));
  const details = make("details", { class: "more", ontoggle: () => { opened.now = details.open; } },
    make("summary", {}, t("more.title")), make("div", { class: "groups" }, ...groups));
  details.open = opened.now;
  return details;
}

const groupOf = (option) => (GROUPS.includes(option.group) ? option.group : "command");

// An option that was added since the tables were written goes by its flag.
const labelOf = (word) => (has(`option.${word}`) ? t(`option.${word}`) : word);

function control(option, choices, changed) {
  const word = option.name;
  const label = labelOf(word);
  const set = (value) => {
    choices.options[word] = value;
    changed();
  };
  const now = choices.options[word];
  if (option.kind === "flag") {
    const usual = option.default === true;
    return tick(label, now ?? usual,
      ({ target }) => set(target.checked === usual ? undefined : target.checked), helpOf(option));
  }
  if (option.kind === "choice") {
    const usual = option.default ?? "";
    const pairs = option.choices.map((value) => [value, value]);
    if (usual === "") pairs.unshift(["", t("choice.default")]);
    const select = choice(pairs, now ?? usual, {
      translate: "no",
      onchange: () => set(select.value === String(usual) ? undefined : select.value),
    });
    return field(label, select, helpOf(option));
  }
  return field(label, entry(option, now, set), helpOf(option));
}

function entry(option, now, set) {
  const { kind, least, most, whole, multiple, hint } = option;
  const usual = [option.default].flat().filter((value) => value !== null && value !== undefined).join(" ");
  const numeric = kind === "number" && !multiple;
  const input = make("input", {
    type: numeric ? "number" : "text",
    min: numeric ? least : null,
    max: numeric ? most : null,
    step: numeric ? (whole ? 1 : "any") : null,
    value: [now ?? ""].flat().join(", "),
    placeholder: usual || hint || null,
    autocomplete: "off",
    spellcheck: "false",
    translate: "no",
    onchange: () => {
      const text = input.value.trim();
      if (!text) set(undefined);
      else set(multiple ? text.split(",").map((part) => part.trim()).filter(Boolean) : text);
    },
  });
  return input;
}
