// Where in a video: a filmstrip with the frame that is shown, and the span that is taken.

import { get } from "./api.js";
import { field, icon, make, said, setText } from "./dom.js";
import { clock, span, t } from "./texts.js";

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** Seconds from "12.5", "1:02" or "1:02:03.5"; null where it is neither. */
export function readTime(text) {
  if (!/^\d+(:\d{1,2}){0,2}([.,]\d+)?$/.test(text.trim())) return null;
  return text.trim().replace(",", ".").split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
}

/**
 * The filmstrip and the span.
 * @param {object} source `{path, duration, step}`: seconds, of all and of a frame
 * @param {object} choices `at`, `start` and `end` are read and set
 * @param {(what: string) => void} changed called with "at" or "span"
 */
export function timeline(source, choices, changed, signal) {
  const strip = make("div", { class: "strip" });
  const before = make("span", { class: "dim" });
  const after = make("span", { class: "dim after" });
  const head = make("span", { class: "head" });
  strip.append(before, after, head);
  const scrubber = make("input", {
    type: "range", min: 0, max: Math.max(0, source.duration - source.step), step: source.step,
    class: "scrubber", "aria-label": t("time.scrubber"),
    oninput: () => {
      choices.at = Number(scrubber.value);
      tell();
      changed("at");
    },
  });
  const readout = make("output", { class: "readout", translate: "no", "aria-live": "off" });
  const handles = spanHandles(source, choices, () => {
    tell();
    changed("span");
  });

  function tell() {
    const { duration } = source;
    const part = (seconds) => `${clamp((100 * seconds) / duration, 0, 100)}%`;
    scrubber.value = String(choices.at);
    scrubber.setAttribute("aria-valuetext", clock(choices.at));
    readout.textContent = `${clock(choices.at)} / ${clock(duration)}`;
    head.style.left = part(choices.at);
    before.style.width = part(choices.start ?? 0);
    after.style.width = part(duration - (choices.end ?? duration));
    handles.tell();
  }

  const seek = (event) => {
    const { left, width } = strip.getBoundingClientRect();
    const most = Number(scrubber.max);
    choices.at = clamp(((event.clientX - left) / width) * source.duration, 0, most);
    tell();
    changed("at");
  };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    strip.setPointerCapture(event.pointerId);
    seek(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (strip.hasPointerCapture(event.pointerId)) seek(event);
  });
  loadStrip(strip, source, signal);
  tell();
  const jump = (seconds) => {
    choices.at = clamp(seconds, 0, Number(scrubber.max));
    tell();
    changed("at");
  };
  const steps = [[-1, t("time.back"), "M17 5v14L8 12zM5 5h2v14H5z"], [1, t("time.forth"), "M7 5v14l9-7zM17 5h2v14h-2z"]];
  const bar = make("div", { class: "bar" },
    ...steps.map(([by, label, path]) => stepButton(label, path, () => jump(choices.at + by * source.step))),
    readout, momentButton(source, jump, signal));
  const element = make("div", { class: "timeline" },
    make("div", { class: "track" }, strip, scrubber, handles.ranges), bar);
  return { element, fields: handles.fields };
}

const stepButton = (label, path, onclick) =>
  make("button", { type: "button", "aria-label": label, title: label, class: "small", onclick },
    icon(path));

function momentButton(source, jump, signal) {
  const told = make("span", { class: "hint", role: "status" });
  const button = make("button", {
    type: "button",
    class: "small",
    onclick: async () => {
      button.setAttribute("aria-busy", "true");
      told.replaceChildren(t("moment.looking"));
      try {
        const { start, why } = await get("/api/moment", { path: source.path, duration: 3 }, signal);
        jump(start);
        told.replaceChildren(t("moment.found", { time: clock(start) }), " ", said(why));
      } catch (error) {
        told.replaceChildren(said(error.message));
      }
      button.removeAttribute("aria-busy");
    },
  }, t("moment.find"));
  return [button, told];
}

async function loadStrip(strip, source, signal) {
  const count = clamp(Math.round((strip.clientWidth || innerWidth - 64) / 110), 3, 12);
  try {
    const answer = await get("/api/strip", { path: source.path, count, height: 72 }, signal);
    const image = make("img", { alt: "", draggable: "false" });
    image.src = answer.image;
    strip.prepend(image);
  } catch {
    strip.classList.add("bare"); // the scrubber does without
  }
}

// Two handles on one line; each may be moved up to the other.
function spanHandles(source, choices, changed) {
  const { duration, step } = source;
  const range = (label, oninput) => make("input", {
    type: "range", min: 0, max: duration, step, "aria-label": label, oninput,
  });
  const set = (start, end) => {
    choices.wrong.span = "";
    choices.start = start > step / 2 ? start : null;
    choices.end = end < duration - step / 2 ? end : null;
    changed();
  };
  const now = () => [choices.start ?? 0, choices.end ?? duration];
  const from = range(t("span.start"), () => set(Math.min(Number(from.value), now()[1] - step), now()[1]));
  const to = range(t("span.end"), () => set(now()[0], Math.max(Number(to.value), now()[0] + step)));
  const text = () => make("input", {
    type: "text", inputmode: "decimal", size: 9, autocomplete: "off", translate: "no",
    onchange: take,
  });
  const begin = text();
  const end = text();
  const trouble = make("p", { class: "bad", role: "status" });
  choices.wrong.span = "";

  // What was typed stays as it is, and what is wrong with it is said.
  function take() {
    const [a, b] = [begin, end].map((input) => readTime(input.value));
    const wrong = [a, b].map((value) => value === null || value > duration + step);
    if (!wrong[0] && !wrong[1] && a >= b) wrong.fill(true);
    if (!wrong.includes(true)) {
      set(a, b);
      return;
    }
    [begin, end].forEach((input, i) => input.setAttribute("aria-invalid", String(wrong[i])));
    if (a === null || b === null) choices.wrong.span = t("span.unreadable");
    else if (Math.max(a, b) > duration + step) choices.wrong.span = t("span.beyond", { time: clock(duration) });
    else choices.wrong.span = t("span.order");
    changed();
  }

  const here = (index) => make("button", {
    type: "button", class: "small",
    onclick: () => {
      const at = choices.at;
      if (index === 0) set(Math.min(at, now()[1] - step), now()[1]);
      else set(now()[0], Math.max(at + step, now()[0] + step));
    },
  }, index === 0 ? t("span.starthere") : t("span.endhere"));
  const whole = make("button", { type: "button", class: "small", onclick: () => set(0, duration) }, t("span.whole"));
  const length = make("p", { class: "hint" });

  function tell() {
    const [a, b] = now();
    from.value = String(a);
    to.value = String(b);
    from.setAttribute("aria-valuetext", clock(a));
    to.setAttribute("aria-valuetext", clock(b));
    setText(trouble, choices.wrong.span);
    length.hidden = Boolean(choices.wrong.span);
    if (choices.wrong.span) return;
    [begin, end].forEach((input, index) => {
      input.value = clock([a, b][index]);
      input.setAttribute("aria-invalid", "false");
    });
    length.textContent = t("span.length", { time: span(b - a), n: Math.round((b - a) / step) });
  }

  const ranges = make("div", { class: "handles", role: "group", "aria-label": t("span.title") }, from, to);
  const fields = make("fieldset", { class: "row" }, make("legend", {}, t("span.title")),
    field(t("span.start"), begin), field(t("span.end"), end), here(0), here(1), whole, length, trouble);
  return { ranges, fields, tell };
}
