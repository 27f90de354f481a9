// A frame, and the region that is drawn on it.

import { address, media } from "./api.js";
import { field, make, setText } from "./dom.js";
import { leastOf } from "./ready.js";
import { clock, t } from "./texts.js";

const within = (value, least, most) => value >= least && value <= most;
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const CLICK = 4; // pixels of the screen, below which nothing was drawn
const CORNERS = ["nw", "ne", "sw", "se"];

/**
 * The picture with its region.
 * @param {object} source `{path, width, height, still}`: the size in pixels as shown
 * @param {object} choices `crop` and `at` are read and set
 * @param {() => void} changed called when the region was changed
 * @returns {{element, fields, show(): void}}
 */
export function picture(source, choices, changed) {
  const image = make("img", { class: "frame", draggable: "false" });
  const box = make("div", { class: "region", hidden: true },
    ...CORNERS.map((corner) => make("span", { class: `corner ${corner}`, "data-corner": corner })));
  const stage = make("div", { class: "stage" }, image, box);
  const region = regionFields(source, choices, () => {
    place();
    changed();
  });

  function place() {
    box.hidden = choices.crop === null;
    region.tell();
    if (!choices.crop) return;
    const [x, y, w, h] = choices.crop;
    box.style.left = `${(100 * x) / source.width}%`;
    box.style.top = `${(100 * y) / source.height}%`;
    box.style.width = `${(100 * w) / source.width}%`;
    box.style.height = `${(100 * h) / source.height}%`;
  }

  drawOn(stage, box, source, choices, { place, changed, told: region.told });
  const show = frameLoader(image, source, choices);
  place();
  return { element: stage, fields: region.element, show };
}

// One frame is asked for at a time: the last that was wanted comes next.
function frameLoader(image, source, choices) {
  let busy = false;
  let shown = null;
  let fallen = false;
  const addressOf = (at) => address("/api/frame.jpg", { path: source.path, at: at.toFixed(3), width: 1280 });
  const next = () => {
    const wanted = choices.at;
    if (busy || shown === wanted) return;
    busy = true;
    shown = wanted;
    image.alt = source.still ? t("picture.still") : t("picture.frame", { time: clock(wanted) });
    image.src = addressOf(wanted);
  };
  image.addEventListener("load", () => {
    busy = false;
    image.classList.remove("missing");
    next();
  });
  image.addEventListener("error", () => {
    busy = false;
    if (source.still && !fallen) {
      fallen = true;
      image.src = media(source.path);
    } else {
      image.classList.add("missing");
      image.alt = t("picture.missing");
    }
  });
  return next;
}

// Mouse and touch: a new region, or the one there moved or made larger.
function drawOn(stage, box, source, choices, { place, changed, told }) {
  let drag = null;
  const pointOf = (event) => {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return [
      clamp((event.clientX - left) / width, 0, 1) * source.width,
      clamp((event.clientY - top) / height, 0, 1) * source.height,
    ];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drag) return;
    const { corner } = event.target.dataset;
    const [x, y, w, h] = choices.crop ?? [0, 0, 0, 0];
    const point = pointOf(event);
    if (corner) drag = { fixed: [corner.includes("w") ? x + w : x, corner.includes("n") ? y + h : y] };
    else if (event.target === box) drag = { move: [point[0] - x, point[1] - y] };
    else drag = { fixed: point };
    drag.id = event.pointerId;
    choices.wrong.region = "";
    drag.from = [event.clientX, event.clientY];
    drag.before = choices.crop;
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  stage.addEventListener("pointermove", (event) => {
    if (drag?.id !== event.pointerId) return;
    const [px, py] = pointOf(event);
    if (drag.move) {
      const [, , w, h] = drag.before;
      choices.crop = [
        Math.round(clamp(px - drag.move[0], 0, source.width - w)),
        Math.round(clamp(py - drag.move[1], 0, source.height - h)), w, h,
      ];
    } else {
      choices.crop = between(drag.fixed, [px, py]);
    }
    place();
  });
  const end = (keeps) => (event) => {
    if (drag?.id !== event.pointerId) return;
    const { before, from } = drag;
    drag = null;
    const click = Math.hypot(event.clientX - from[0], event.clientY - from[1]) < CLICK;
    const [, , w, h] = choices.crop ?? [0, 0, 0, 0];
    const least = leastOf(choices.command);
    const small = Math.min(w, h) < least;
    if (!keeps || click || small) choices.crop = before;
    place();
    if (keeps && !click && small) told(t("region.small", { width: w, height: h, least }));
    changed();
  };
  stage.addEventListener("pointerup", end(true));
  stage.addEventListener("pointercancel", end(false));
}

function between(a, b) {
  const [x, y] = [0, 1].map((axis) => Math.round(Math.min(a[axis], b[axis])));
  const [right, bottom] = [0, 1].map((axis) => Math.round(Math.max(a[axis], b[axis])));
  return [x, y, right - x, bottom - y];
}

function regionFields(source, choices, changed) {
  const most = [source.width, source.height, source.width, source.height];
  const trouble = make("p", { class: "bad", role: "status" });
  const told = (text, wrong = true) => {
    setText(trouble, text);
    trouble.className = wrong ? "bad" : "hint";
  };
  choices.wrong.region = "";
  const names = [t("region.x"), t("region.y"), t("region.width"), t("region.height")];
  const inputs = names.map((name, index) => make("input", {
    type: "number", min: index < 2 ? 0 : 1, step: 1, inputmode: "numeric",
    onchange: () => take(index),
  }));
  const whole = make("button", {
    type: "button",
    onclick: () => {
      choices.crop = null;
      choices.wrong.region = "";
      changed();
      inputs[0].focus();
    },
  }, t("region.whole"));

  // What was typed stays as it is; where a size must give way to a place, that is said.
  function take(index) {
    const crop = inputs.map((input) => (input.value.trim() ? Math.round(Number(input.value)) : NaN));
    const axis = index % 2;
    let note = "";
    if (index < 2 && within(crop[axis], 0, most[axis] - 1) && crop[axis + 2] > most[axis] - crop[axis]) {
      crop[axis + 2] = most[axis] - crop[axis];
      note = t("region.gaveway", { name: names[axis + 2], value: crop[axis + 2] });
    }
    choices.wrong.region = "";
    crop.forEach((value, i) => {
      const [low, high] = i < 2 ? [0, most[i] - 1] : [1, most[i] - (inputs[i - 2].getAttribute("aria-invalid") === "true" ? 0 : crop[i - 2])];
      const bad = !within(value, low, high);
      inputs[i].setAttribute("aria-invalid", String(bad));
      if (bad && !choices.wrong.region) {
        choices.wrong.region = t("region.wrong", { name: names[i], least: low, most: Math.max(low, high) });
      }
    });
    if (!choices.wrong.region) {
      const all = crop.every((one, i) => one === [0, 0, source.width, source.height][i]);
      choices.crop = all ? null : crop;
    }
    changed();
    told(choices.wrong.region || note, Boolean(choices.wrong.region));
  }

  function tell() {
    told("");
    whole.disabled = choices.crop === null && !choices.wrong.region;
    if (choices.wrong.region) return;
    const crop = choices.crop ?? [0, 0, source.width, source.height];
    inputs.forEach((input, index) => {
      input.value = crop[index];
      input.setAttribute("aria-invalid", "false");
    });
  }

  const element = make("fieldset", { class: "row" }, make("legend", {}, t("region.title")),
    ...inputs.map((input, index) => field(names[index], input)), whole,
    make("p", { class: "hint" }, t("region.hint")), trouble);
  return { element, tell, told };
}
