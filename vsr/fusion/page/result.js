(() => {
  const { views, steps, frames, best } = data;
  const stage = find("#stage");
  const split = find("#split");
  const slider = find("#step");
  const SIDES = ["left", "right"];
  const still = 0; // its place among the views
  const chosen = [1, still]; // what stands left and right
  let step = steps.length - 1;

  /* The comparison. */

  const pictureOf = (view) => (view === still ? steps[step].picture : views[view].picture);
  const many = (count) => (count === 1 ? "1 frame" : `${count} frames`);

  function labelOf(view) {
    return view === still ? `Still of ${many(steps[step].count)}` : views[view].label;
  }

  function noteOf(view) {
    if (view !== still) return views[view].note;
    const { count, frames: numbers, knowledge } = steps[step];
    const which = step === steps.length - 1 ? "All that take part" : "The best of them";
    return `${which}: ${many(count)} (${numbers}); ${knowledge}. No network took part.`;
  }

  function tellViews() {
    const rows = chosen.map((view, side) => {
      const picture = find(`#picture-${SIDES[side]}`);
      picture.src = pictureOf(view);
      picture.alt = `${labelOf(view)}, on the ${SIDES[side]}`;
      find(`#label-${SIDES[side]}`).textContent = labelOf(view);
      find(`input[name="${SIDES[side]}"][value="${view}"]`).checked = true;
      return row(labelOf(view), noteOf(view));
    });
    find("#notes").replaceChildren(...rows);
    tellDivider();
    const { count, picture } = steps[step];
    slider.value = String(step);
    slider.setAttribute("aria-valuetext", many(count));
    find("#readout").textContent = `${many(count)} of ${steps.at(-1).count}`;
    const save = find("#save");
    save.href = picture;
    const ending = picture.startsWith("data:image/png") ? "png" : "jpg";
    save.download = `${data.name}.${count}.${ending}`;
  }

  function tellDivider() {
    const percent = Number(split.value);
    stage.style.setProperty("--split", `${percent}%`);
    const [left, right] = chosen.map(labelOf);
    split.setAttribute("aria-valuetext", `${percent} % ${left}, ${100 - percent} % ${right}`);
  }

  function choose(side, view) {
    if (chosen[1 - side] === view) chosen[1 - side] = chosen[side];
    chosen[side] = view;
    tellViews();
  }

  function row(name, value) {
    const line = document.createElement("div");
    for (const [tag, text] of [["dt", name], ["dd", value]]) {
      const part = document.createElement(tag);
      part.textContent = text;
      line.append(part);
    }
    return line;
  }

  slider.max = String(steps.length - 1);
  find("#growth").hidden = steps.length === 1;
  slider.addEventListener("input", () => {
    step = Number(slider.value);
    if (chosen.includes(still)) tellViews();
    else choose(1, still);
  });
  split.addEventListener("input", tellDivider);
  find("#squares").addEventListener("change", ({ target }) => {
    stage.classList.toggle("squares", target.checked);
  });
  find("#choosers").addEventListener("change", ({ target }) => {
    choose(SIDES.indexOf(target.name), Number(target.value));
  });

  /* Zoom: fit, or pixels of the device for each of the picture. */

  const LEVELS = [0, 1, 2, 4];
  let level = 0;
  let moved = [0, 0]; // how far the picture is off the middle, in CSS pixels

  function layout() {
    const { naturalWidth, naturalHeight } = find("#picture-right");
    if (!naturalWidth) return;
    const room = [stage.clientWidth, stage.clientHeight];
    const size = [naturalWidth, naturalHeight];
    const fitting = Math.min(room[0] / size[0], room[1] / size[1]);
    const scale = level ? LEVELS[level] / window.devicePixelRatio : fitting;
    const spare = size.map((length, axis) => Math.max(0, (length * scale - room[axis]) / 2));
    moved = moved.map((offset, axis) => clamp(offset, -spare[axis], spare[axis]));
    stage.classList.toggle("roomy", spare.some((length) => length > 0.5));
    stage.style.setProperty("--zoom", String(scale / fitting));
    stage.style.setProperty("--x", `${moved[0]}px`);
    stage.style.setProperty("--y", `${moved[1]}px`);
  }

  function move(x, y) {
    moved = [moved[0] + x, moved[1] + y];
    layout();
  }

  find("#zoom").addEventListener("change", ({ target }) => {
    const before = LEVELS[level];
    level = Number(target.value);
    const factor = before && level ? LEVELS[level] / before : 0;
    moved = moved.map((offset) => offset * factor); // what was in the middle stays there
    layout();
  });
  find("#picture-right").addEventListener("load", layout);
  new ResizeObserver(layout).observe(stage);

  /* Mouse and touch on the picture: the divider, or what is enlarged beyond the stage. */

  let drag = null;

  function dividerTo(event) {
    const box = stage.getBoundingClientRect();
    split.value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
    tellDivider();
  }

  function nearLine(event) {
    const line = find("#line").getBoundingClientRect();
    return Math.abs(event.clientX - line.left - line.width / 2) < 24;
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drag) return;
    const moves = stage.classList.contains("roomy") && !nearLine(event);
    drag = { id: event.pointerId, moves, from: [event.clientX, event.clientY] };
    stage.setPointerCapture(event.pointerId);
    split.focus({ preventScroll: true, focusVisible: false });
    if (!moves) dividerTo(event);
    event.preventDefault();
  });
  stage.addEventListener("pointermove", (event) => {
    if (drag?.id !== event.pointerId) return;
    if (!drag.moves) {
      dividerTo(event);
      return;
    }
    move(event.clientX - drag.from[0], event.clientY - drag.from[1]);
    drag.from = [event.clientX, event.clientY];
  });
  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, () => {
      drag = null;
    });
  }

  const WAYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  split.addEventListener("keydown", (event) => {
    if (!event.shiftKey || !(event.key in WAYS)) return;
    const [x, y] = WAYS[event.key];
    move((x * stage.clientWidth) / 8, (y * stage.clientHeight) / 8);
    event.preventDefault();
  });

  /* The frames. */

  const strip = find("#strip");
  const takes = frames.map((frame) => frame.used); // who takes part, as it is chosen now
  const place = Math.max(0, frames.findIndex((frame) => frame.number === best));
  let active = place; // which one the keys move from

  // Whether judging, left to itself, had a frame take part: a person may have said otherwise.
  function isFit({ used, reason, judged }) {
    if (judged) return false;
    return used || reason === data.dropped;
  }

  function wordsOf(frame, takesPart) {
    if (!frame.found) return frame.reason;
    if (takesPart) return isFit(frame) ? "takes part" : "kept";
    return isFit(frame) ? "dropped" : frame.judged || frame.reason;
  }

  function item(frame, index) {
    const element = document.createElement("li");
    element.setAttribute("role", "option");
    element.id = `frame-${frame.number}`;
    const picture = document.createElement(frame.found ? "img" : "span");
    if (frame.found) {
      picture.src = frame.picture;
      picture.alt = "";
    } else {
      picture.className = "none";
      element.setAttribute("aria-disabled", "true");
    }
    const words = document.createElement("span");
    words.className = "words";
    const weight = document.createElement("span");
    weight.className = "weight";
    weight.append(document.createElement("span"));
    weight.style.setProperty("--weight", `${100 * (frame.weight ?? 0)}%`);
    element.append(picture, words, weight);
    element.addEventListener("click", () => {
      activate(index);
      toggle(index);
    });
    element.addEventListener("focus", () => activate(index));
    element.addEventListener("pointerenter", () => look(index));
    return element;
  }

  function tellFrame(index) {
    const [frame, element] = [frames[index], strip.children[index]];
    const words = wordsOf(frame, takes[index]);
    const plain = takes[index] && isFit(frame);
    element.setAttribute("aria-selected", String(takes[index]));
    element.classList.toggle("changed", takes[index] !== frame.used);
    element.querySelector(".words").textContent = `${frame.number} · ${plain ? `${frame.seconds} s` : words}`;
    const parts = [`frame ${frame.number}`, `${frame.seconds} seconds`, words];
    if (frame.found) parts.push(`weight ${Math.round(100 * frame.weight)} %`);
    element.setAttribute("aria-label", parts.join(", "));
  }

  function toggle(index) {
    const frame = frames[index];
    if (!frame.found) {
      say(`Frame ${frame.number} cannot take part: ${frame.reason}.`);
      return;
    }
    takes[index] = !takes[index];
    tellFrame(index);
    look(index);
    tellChoice();
  }

  function activate(index) {
    strip.children[active].tabIndex = -1;
    active = index;
    strip.children[active].tabIndex = 0;
    look(index);
  }

  function look(index) {
    const frame = frames[index];
    const rows = [
      ["Frame", `${frame.number}, at ${frame.seconds} s`],
      ["Takes part", takes[index] ? "yes" : "no"],
    ];
    const reason = frame.judged || (frame.reason !== data.dropped && frame.reason);
    if (reason) rows.push(["Judged", reason]);
    if (takes[index] !== isFit(frame)) rows.push(["By hand", takes[index] ? "kept" : "dropped"]);
    if (frame.found) {
      rows.push(["Weight", `${Math.round(100 * frame.weight)} % of the heaviest`]);
      rows.push(["Detail", `${Math.round(100 * frame.sharpness)} % of what is usual`]);
    }
    if (frame.quantiser !== null) rows.push(["Quantiser", String(frame.quantiser)]);
    find("#frame-rows").replaceChildren(...rows.map(([name, value]) => row(name, value)));
    const picture = find("#frame-picture");
    picture.hidden = !frame.found;
    if (frame.found) picture.src = frame.picture;
    find("#outline").setAttribute("points", frame.found ? frame.corners.join(" ") : "");
  }

  // Numbers as --keep and --drop read them: 3,7,10-14.
  function numbersText(numbers) {
    const runs = [];
    for (const number of numbers) {
      const last = runs.at(-1);
      if (last && number === last[1] + 1) last[1] = number;
      else runs.push([number, number]);
    }
    return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
  }

  const numbersWhere = (holds) =>
    numbersText(frames.filter((frame, index) => holds(isFit(frame), takes[index], frame)).map(({ number }) => number));

  function tellChoice() {
    tellCommand({
      ...data.values,
      keep: numbersWhere((fit, part) => part && !fit),
      drop: numbersWhere((fit, part, { found }) => found && !part && fit),
    });
    const changed = frames.filter((frame, index) => frame.used !== takes[index]).length;
    const count = takes.filter(Boolean).length;
    find("#reset").hidden = changed === 0;
    if (count === 0) say("No frame is left: at least one must take part.");
    else if (changed === 0) say(`${many(count)} of ${frames.length} take part.`);
    else {
      say(
        `${many(count)} of ${frames.length} would take part; ${changed} changed. ` +
          "The still above is not of this choice: the command below makes it.",
      );
    }
  }

  strip.append(...frames.map(item));
  frames.forEach((frame, index) => {
    tellFrame(index);
    strip.children[index].tabIndex = -1;
  });
  const middle = (corners) =>
    [0, 1].map((axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length);
  const way = frames.filter(({ found }) => found).map(({ corners }) => middle(corners).join());
  find("#way").setAttribute("points", way.join(" "));

  const MOVES = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
  strip.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    if (key in MOVES) {
      activate(clamp(active + MOVES[key], 0, frames.length - 1));
      strip.children[active].focus();
    } else if (key === " " || key === "Enter") {
      toggle(active);
    } else {
      return;
    }
    event.preventDefault();
  });
  find("#reset").addEventListener("click", () => {
    frames.forEach((frame, index) => {
      takes[index] = frame.used;
      tellFrame(index);
    });
    look(active);
    tellChoice();
    strip.children[active].focus();
  });

  /* The record. */

  find("#save-record").addEventListener("click", () => {
    const text = find("#record code").textContent;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${data.name}.record.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  // Browsers may have kept what stood there when the page was left.
  split.value = "50";
  find("#squares").checked = false;
  find("#zoom input[value='0']").checked = true;
  activate(place);
  tellViews();
  tellChoice();
})();
