// All words of the page: one table per language, and numbers and dates as the language writes them.

const KEPT = "vsr-language";
const SAID = "said.";
let table = {};
let language = "en";
let sentences = []; // what vsr says and the table has, as [key, pattern]
let plurals = new Intl.PluralRules("en");

/** The language that was chosen here, else the first of the browser's that there is. */
export function preferred(languages) {
  const kept = localStorage.getItem(KEPT);
  const wanted = [kept, ...navigator.languages].filter(Boolean);
  const base = (code) => code.toLowerCase().split("-")[0];
  return wanted.map(base).find((code) => languages.includes(code)) ?? "en";
}

export async function load(code) {
  const answer = await fetch(`/static/texts/${code}.json`);
  if (!answer.ok) throw new Error(String(answer.status));
  table = await answer.json();
  language = code;
  sentences = Object.keys(table).filter((key) => key.startsWith(SAID)).map((key) => [key, pattern(key)]);
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = t("language.tag");
}

export const keep = (code) => localStorage.setItem(KEPT, code);
export const current = () => language;

/** Whether the table has this key: for families such as `help.NAME`. */
export const has = (key) => key in table;

/** The text of a key. `{name}` is replaced; a text by number is chosen by `values.n`. */
export function t(key, values = {}) {
  let text = table[key] ?? key;
  if (typeof text === "object") text = text[plurals.select(Number(values.n))] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}

/** A sentence with its values in braces, as what it looks like. */
function pattern(key) {
  const escaped = key.slice(SAID.length).replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\{(\w+)\}/g, "(?<$1>.+)")}$`, "s");
}

/** What vsr says in English, in the language; "" where the table does not have the sentence. */
export function translated(text) {
  for (const [key, looks] of sentences) {
    const found = looks.exec(text);
    if (found) return t(key, found.groups);
  }
  return "";
}

/** The name of a language in that language. */
export function nameOf(code) {
  return new Intl.DisplayNames([code], { type: "language" }).of(code);
}

export function number(value, digits = 2) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

export function percent(part) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(part);
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function bytes(count) {
  const step = count < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(count) / 3));
  const style = { style: "unit", unit: SIZES[step], maximumSignificantDigits: 3 };
  return new Intl.NumberFormat(language, style).format(count / 1000 ** step);
}

/** How long something takes, in words: 3 min 20 sec. */
export function span(seconds) {
  const unit = (value, name, digits = 0) => new Intl.NumberFormat(language, {
    style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits,
  }).format(value);
  if (seconds < 60) return unit(seconds, "second", seconds < 10 ? 1 : 0);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${unit(minutes, "minute")} ${unit(Math.floor(seconds % 60), "second")}`;
  return `${unit(Math.floor(minutes / 60), "hour")} ${unit(minutes % 60, "minute")}`;
}

/** A place in a video, as players write it: 1:02:03.45. */
export function clock(seconds) {
  const whole = Math.floor(seconds + 1e-9);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (seconds - whole + (whole % 60)).toFixed(2).padStart(5, "0");
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

export function moment(seconds) {
  const style = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, style).format(new Date(1000 * seconds));
}

/** Put the texts into elements that name their keys: data-text, data-label. */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = t(element.dataset.text);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
  }
}
