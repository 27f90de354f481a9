// Elements, made of names, attributes and children. A string is always text, never HTML.

import { translated } from "./texts.js";

export const find = (selector, root = document) => root.querySelector(selector);

/** Make an element. `on...` attributes are listeners; true and false set or leave out. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** What came from elsewhere (a name, a path, a command): to be shown, not to be translated. */
export const data = (text, name = "span", attributes = {}) =>
  make(name, { translate: "no", ...attributes }, String(text));

/** What the server says: in English, but for the sentences that the language has. */
export function said(text, name = "span", attributes = {}) {
  const own = translated(String(text));
  const language = own ? {} : { lang: "en" };
  return make(name, { ...language, translate: "no", ...attributes }, own || String(text));
}

/** Set the text only where it is another: what has not changed is not read out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

/** A small picture of one path of 24 by 24, hidden from screen readers. */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

let numbers = 0;

/** An id that no other element has. */
export function newId() {
  numbers += 1;
  return `id${numbers}`;
}

/** A control under its label, with a hint that is read with it. */
export function field(label, control, hint = null) {
  if (!control.id) control.id = newId();
  const parts = [make("label", { for: control.id }, label), control];
  if (hint) {
    const id = newId();
    control.setAttribute("aria-describedby", id);
    parts.push(typeof hint === "string" ? make("p", { class: "hint", id }, hint) : hint);
    if (typeof hint !== "string") hint.id = id;
  }
  return make("div", { class: "field" }, ...parts);
}

/** A select of [value, text] pairs. */
export function choice(pairs, value, attributes = {}) {
  const options = pairs.map(([key, text]) =>
    make("option", { value: key, selected: String(key) === String(value) }, text));
  return make("select", attributes, ...options);
}

/** A checkbox before its label. */
export function tick(label, checked, onchange, hint = null) {
  const box = make("input", { type: "checkbox", checked, id: newId(), onchange });
  const row = make("div", { class: "tick" }, box, make("label", { for: box.id }, label));
  if (hint) {
    hint.id = newId();
    box.setAttribute("aria-describedby", hint.id);
    row.append(hint);
  }
  return row;
}

/** Tell screen readers something that is seen elsewhere. */
export function announce(text) {
  const place = find("#said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}
