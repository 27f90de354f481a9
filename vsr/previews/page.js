(() => {
  const { width, height, times, takes } = JSON.parse(find("#data").textContent);
  const stage = find("#stage");
  const canvas = find("#canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const split = find("#split");
  const scrubber = find("#frame");
  const alone = takes.length === 1;
  const last = times.length - 1;

  // The takes that are shown: left and right, or one alone. Left leads, right follows.
  const baseline = Math.max(0, takes.findIndex((take) => take.baseline));
  const chosen = alone ? [0] : [baseline, baseline === 0 ? 1 : 0];
  const players = new Map(); // of all takes that were ever shown, by number

  let wanted = 0; // the frame to be shown, counted from 0
  let playing = false; // what was asked for, whether or not the videos run at this moment
  let settling = false; // both sides are on their way to a frame
  let wishes = 0; // how often a frame or another take was asked for
  let looping = true;
  let speed = 1;
  let divider = 0.5; // of the visible picture
  let zoom = "fit"; // or canvas pixels for each pixel of the video
  let centre = [width / 2, height / 2]; // the video's pixel in the middle of the stage

  /* Videos, each from memory. */

  function blobOf(element) {
    const text = element.textContent;
    const length = 1 << 20; // base64 may be cut at any multiple of 4
    const parts = [];
    for (let start = 0; start < text.length; start += length) {
      const binary = atob(text.slice(start, start + length));
      const bytes = new Uint8Array(binary.length);
      for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
      parts.push(bytes);
    }
    element.remove();
    return new Blob(parts, { type: "video/mp4" });
  }

  function makePlayer(take) {
    const video = document.createElement("video");
    // The frame that the browser shows, and the one that it rests on since a seek.
    const player = { video, frame: -1, rests: -1 };
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    video.tabIndex = -1;
    video.preload = "auto";
    video.src = URL.createObjectURL(blobOf(find(`#video-${take}`)));
    video.addEventListener("error", () => {
      const trouble = find("#trouble");
      trouble.textContent = `This browser cannot play ${takes[take].label} (H.264 in MP4).`;
      trouble.hidden = false;
    });
    if (video.requestVideoFrameCallback) {
      const seen = (now, { mediaTime }) => {
        player.frame = frameAt(mediaTime);
        if (!playing) later();
        video.requestVideoFrameCallback(seen);
      };
      video.requestVideoFrameCallback(seen);
    }
    find("#videos").append(video);
    return player;
  }

  function sides() {
    return chosen.map((take) => {
      if (!players.has(take)) players.set(take, makePlayer(take));
      return players.get(take);
    });
  }

  /* Frames and times. */

  function frameAt(time) {
    let frame = last;
    while (frame > 0 && times[frame] > time + 0.0005) frame -= 1;
    return frame;
  }

  function middleOf(frame) {
    if (last === 0) return times[0];
    const gap = frame < last ? times[frame + 1] - times[frame] : times[last] - times[last - 1];
    return times[frame] + gap / 2;
  }

  function seek(player, frame) {
    const { video } = player;
    if (player.rests === frame) return null;
    return new Promise((resolve) => {
      const done = () => {
        player.frame = frame;
        player.rests = frame;
        resolve();
      };
      const start = () => {
        video.addEventListener("seeked", done, { once: true });
        video.currentTime = middleOf(frame);
      };
      video.addEventListener("error", resolve, { once: true });
      if (video.error) resolve();
      else if (video.readyState >= 1) start();
      else video.addEventListener("loadedmetadata", start, { once: true });
    });
  }

  // Bring both sides to a frame; then go on playing, where that was asked for.
  async function settle(frame) {
    wanted = clamp(frame, 0, last);
    wishes += 1;
    if (settling) return; // the loop below sees the new wish
    settling = true;
    for (const { video } of players.values()) video.pause();
    let granted;
    do {
      granted = wishes;
      await Promise.all(sides().map((player) => seek(player, wanted)));
    } while (granted !== wishes);
    settling = false;
    later();
    if (playing) run();
  }

  /* Playing. */

  function run() {
    inStepAt = performance.now();
    for (const player of sides()) {
      player.rests = -1;
      player.video.playbackRate = speed;
      start(player.video);
    }
    requestAnimationFrame(tick);
  }

  function start(video) {
    video.play().catch((error) => {
      if (error.name === "NotAllowedError") pause(); // no playing before a person has acted
    });
  }

  function play() {
    if (last === 0) return;
    playing = true;
    tellPlaying();
    settle(wanted === last ? 0 : wanted);
  }

  function pause() {
    playing = false;
    tellPlaying();
    settle(wanted);
  }

  function tick() {
    if (!playing || settling) return;
    if (sides().some(({ video }) => video.ended)) {
      if (looping) {
        settle(0);
      } else {
        wanted = last;
        pause();
      }
      return;
    }
    keepInStep();
    paint();
    requestAnimationFrame(tick);
  }

  // The follower goes a little quicker or slower; who is half a frame ahead waits.
  function keepInStep() {
    const [left, right] = sides();
    if (!right) return;
    const ahead = right.video.currentTime - left.video.currentTime;
    const [first, second] = ahead > 0 ? [right, left] : [left, right];
    if (Math.abs(ahead) > middleOf(0) - times[0]) first.video.pause();
    else if (first.video.paused && Math.abs(ahead) < 0.004) start(first.video);
    if (second.video.paused) start(second.video);
    const change = Math.abs(ahead) < 0.002 ? 1 : ahead > 0 ? 0.95 : 1.05;
    if (right.video.playbackRate !== speed * change) right.video.playbackRate = speed * change;
    if (performance.now() - inStepAt < 1000) return;
    if (speed > 0.125) {
      setSpeed(speed / 2);
      say("Slowed down: this device cannot show both sides in step any quicker.");
    }
    settle(frameAt(left.video.currentTime)); // on, at least by a frame now and then
  }

  function setSpeed(value) {
    speed = value;
    find("#speed").value = String(value);
    for (const { video } of sides()) video.playbackRate = value;
  }

  function step(frames) {
    playing = false;
    tellPlaying();
    settle(wanted + frames);
  }

  /* The picture. */

  let queued = false;
  let drawn = ""; // which frames, and when
  let drawnAt = 0;
  let inStepAt = 0;
  let changed = true; // the view was, since

  function later() {
    changed = true;
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      paint();
    });
  }

  // What a side shows right now: a picture to draw, and which frame it is.
  function grab({ video, frame }) {
    try {
      const picture = new VideoFrame(video);
      return { picture, frame: frameAt(picture.timestamp / 1e6), free: () => picture.close() };
    } catch {
      // Not in this browser, or nothing is loaded yet: the latest that is known.
      const seen = video.requestVideoFrameCallback ? frame : frameAt(video.currentTime);
      return { picture: video, frame: seen, free: () => {} };
    }
  }

  // A new picture only where both sides have the same frame, or nearly so for too long.
  function paint() {
    if (settling) return;
    const shown = sides().map(grab);
    const frames = shown.map(({ frame }) => frame);
    const gap = Math.max(...frames) - Math.min(...frames);
    const now = performance.now();
    const inStep = gap === 0 || (gap === 1 && now - drawnAt > 100);
    if (gap <= 1) inStepAt = now;
    if ((inStep || !playing) && (changed || drawn !== frames.join())) {
      draw(shown);
      drawn = frames.join();
      drawnAt = now;
      changed = false;
      if (playing) wanted = frames[0];
      tellFrame();
    }
    for (const { free } of shown) free();
  }

  const fitting = () => Math.min(canvas.width / width, canvas.height / height);
  const scaleOf = (value) => (value === "fit" ? fitting() : value);

  // Where the picture lies on the canvas, in whole canvas pixels.
  function place() {
    const scale = scaleOf(zoom);
    const along = (size, room, middle) => {
      const length = Math.round(size * scale);
      if (length <= room) return [Math.round((room - length) / 2), length];
      return [Math.round(clamp(room / 2 - middle * scale, room - length, 0)), length];
    };
    const [x, w] = along(width, canvas.width, centre[0]);
    const [y, h] = along(height, canvas.height, centre[1]);
    return { scale, x, y, w, h };
  }

  function visible({ x, w }) {
    return [Math.max(x, 0), Math.min(x + w, canvas.width)];
  }

  function draw(shown) {
    const at = place();
    const [begin, end] = visible(at);
    const border = alone ? end : Math.round(begin + divider * (end - begin));
    context.fillStyle = "#0c0d0f";
    context.fillRect(0, 0, canvas.width, canvas.height);
    // Squares of pixels at 100 % and from 200 % on; between, uneven ones look worse than soft.
    context.imageSmoothingEnabled = at.scale < 2 && at.scale % 1 !== 0;
    context.imageSmoothingQuality = "high";
    drawPart(shown[0].picture, at, begin, border);
    if (!alone) drawPart(shown[1].picture, at, border, end);
    stage.style.setProperty("--split", `${(100 * border) / canvas.width}%`);
    find("#label-left").classList.toggle("covered", border - begin < 2);
    find("#label-right").classList.toggle("covered", end - border < 2);
    const roomy = at.w > canvas.width || at.h > canvas.height;
    stage.classList.toggle("movable", roomy);
  }

  function drawPart(picture, { x, y, w, h }, from, to) {
    if (to <= from) return;
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, canvas.height);
    context.clip();
    context.drawImage(picture, x, y, w, h);
    context.restore();
  }

  // Zoom so that what lies under a point of the canvas stays there.
  function setZoom(value, point = [canvas.width / 2, canvas.height / 2]) {
    const { scale, x, y } = place();
    const under = [(point[0] - x) / scale, (point[1] - y) / scale];
    zoom = value;
    const now = scaleOf(zoom);
    centre = [
      under[0] + (canvas.width / 2 - point[0]) / now,
      under[1] + (canvas.height / 2 - point[1]) / now,
    ];
    keepInside();
    find(`#zoom input[value="${value}"]`).checked = true;
    later();
  }

  function zoomBy(direction, point) {
    const now = scaleOf(zoom);
    const levels = ["fit", 1, 2, 4].sort((a, b) => scaleOf(a) - scaleOf(b));
    const onward = levels.filter((level) => direction * (scaleOf(level) - now) > 1e-6);
    if (onward.length) setZoom(direction > 0 ? onward[0] : onward.at(-1), point);
  }

  function move(x, y) {
    const scale = scaleOf(zoom);
    centre = [centre[0] - x / scale, centre[1] - y / scale];
    keepInside();
    later();
  }

  function keepInside() {
    const scale = scaleOf(zoom);
    const inside = (value, size, room) => {
      const half = Math.min(room / scale, size) / 2;
      return clamp(value, half, size - half);
    };
    centre = [inside(centre[0], width, canvas.width), inside(centre[1], height, canvas.height)];
  }

  function setDivider(value) {
    divider = clamp(value, 0, 1);
    split.value = String(Math.round(100 * divider));
    tellDivider();
    later();
  }

  /* What is said. */

  const label = (side) => takes[chosen[side]].label;

  function tellPlaying() {
    const button = find("#play");
    button.classList.toggle("playing", playing);
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  function tellFrame() {
    const time = (times[wanted] - times[0]).toFixed(2);
    const percent = Math.round(100 * scaleOf(zoom));
    scrubber.value = String(wanted);
    scrubber.setAttribute("aria-valuetext", `${wanted + 1} of ${times.length}, ${time} seconds`);
    find("#readout").textContent = `frame ${wanted + 1} of ${times.length} · ${time} s · ${percent} %`;
  }

  function tellDivider() {
    const percent = Math.round(100 * divider);
    const text = `${percent} % ${label(0)}, ${100 - percent} % ${alone ? "" : label(1)}`;
    split.setAttribute("aria-valuetext", text);
  }

  function tellChosen() {
    const names = ["left", "right"];
    chosen.forEach((take, side) => {
      find(`#label-${names[side]}`).textContent = takes[take].label;
      const choice = find(`input[name="${names[side]}"][value="${take}"]`);
      if (choice) choice.checked = true;
    });
    canvas.setAttribute(
      "aria-label",
      alone ? label(0) : `${label(0)} on the left, ${label(1)} on the right`,
    );
    tellDivider();
    for (const card of document.querySelectorAll(".take")) {
      const side = chosen.indexOf(Number(card.dataset.take));
      card.hidden = side < 0;
      card.style.order = String(side);
      card.querySelector(".side")?.remove();
      if (!card.hidden && !alone) {
        const badge = document.createElement("span");
        badge.className = "side";
        badge.textContent = names[side];
        card.querySelector("h2").append(" ", badge);
      }
    }
    const commands = [...document.querySelectorAll(".command")];
    const of = (take) => commands.find((card) => card.dataset.take === take);
    const told = [...chosen].reverse().map((take) => of(String(take))).find(Boolean);
    for (const card of commands) card.hidden = card !== (told ?? of(undefined));
  }

  function choose(side, take) {
    const other = 1 - side;
    if (chosen[other] === take) chosen[other] = chosen[side];
    chosen[side] = take;
    tellChosen();
    settle(wanted);
  }

  /* Buttons and choices. */

  find("#play").addEventListener("click", () => (playing ? pause() : play()));
  find("#back").addEventListener("click", () => step(-1));
  find("#forth").addEventListener("click", () => step(1));
  find("#loop").addEventListener("click", toggleLoop);
  find("#speed").addEventListener("change", (event) => setSpeed(Number(event.target.value)));
  scrubber.addEventListener("input", () => settle(Number(scrubber.value)));
  split.addEventListener("input", () => setDivider(Number(split.value) / 100));
  find("#zoom").addEventListener("change", ({ target }) => {
    setZoom(target.value === "fit" ? "fit" : Number(target.value));
  });
  find("#choosers").addEventListener("change", ({ target }) => {
    choose(target.name === "left" ? 0 : 1, Number(target.value));
  });

  function toggleLoop() {
    looping = !looping;
    find("#loop").setAttribute("aria-pressed", String(looping));
  }

  /* Mouse and touch on the picture. */

  const pixelsOf = () => canvas.width / canvas.clientWidth; // canvas pixels for one of CSS
  let drag = null;

  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    const pixels = pixelsOf();
    return [(event.clientX - box.left) * pixels, (event.clientY - box.top) * pixels];
  }

  function dividerTo(event) {
    const [begin, end] = visible(place());
    setDivider((pointOf(event)[0] - begin) / (end - begin));
  }

  function nearLine(event) {
    if (alone) return false;
    const line = find("#line").getBoundingClientRect();
    return Math.abs(event.clientX - line.left - line.width / 2) < 24;
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drag) return;
    const moves = stage.classList.contains("movable") && !nearLine(event);
    if (alone && !moves) return;
    // A finger may be about to scroll the page: it is followed once it goes sideways.
    const begun = moves || event.pointerType === "mouse";
    drag = { id: event.pointerId, moves, begun, from: [event.clientX, event.clientY] };
    stage.setPointerCapture(event.pointerId);
    stage.classList.toggle("moving", moves);
    if (!moves && begun) dividerTo(event);
    if (!alone) split.focus({ preventScroll: true, focusVisible: false });
    event.preventDefault();
  });

  stage.addEventListener("pointermove", (event) => {
    if (drag?.id !== event.pointerId) return;
    const x = event.clientX - drag.from[0];
    const y = event.clientY - drag.from[1];
    drag.begun ||= Math.abs(x) > Math.abs(y);
    if (!drag.begun) return;
    if (!drag.moves) {
      dividerTo(event);
      return;
    }
    move(x * pixelsOf(), y * pixelsOf());
    drag.from = [event.clientX, event.clientY];
  });

  stage.addEventListener("pointerup", (event) => {
    if (drag?.id !== event.pointerId) return;
    if (!drag.begun) dividerTo(event);
    drag = null;
    stage.classList.remove("moving");
  });

  stage.addEventListener("pointercancel", () => {
    drag = null;
    stage.classList.remove("moving");
  });

  // The wheel zooms, unless it is scrolling the page: until that rests, and below its top.
  let scrolled = -Infinity;
  let turned = 0;
  addEventListener("scroll", () => {
    scrolled = performance.now();
  }, { passive: true });
  stage.addEventListener("wheel", (event) => {
    const scrolling = performance.now() - scrolled < 400 || (scrollY > 0 && event.deltaY < 0);
    if (!event.ctrlKey && (scrolling || event.shiftKey)) return;
    const small = scaleOf(zoom) <= fitting();
    if (!event.ctrlKey && event.deltaY > 0 && small) return; // nothing is left but to scroll
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    turned = Math.sign(turned) === Math.sign(event.deltaY) ? turned : 0;
    turned += event.deltaY * lines * (event.ctrlKey && Math.abs(event.deltaY) < 30 ? 4 : 1);
    if (Math.abs(turned) < 60) return;
    zoomBy(turned < 0 ? 1 : -1, pointOf(event));
    turned = 0;
  }, { passive: false });

  /* Keys, while the player has the focus, or nothing has. */

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const KEYS = {
    " ": () => (playing ? pause() : play()),
    ",": () => step(-1),
    ".": () => step(1),
    l: toggleLoop,
    "+": () => zoomBy(1),
    "=": () => zoomBy(1),
    "-": () => zoomBy(-1),
    0: () => setZoom("fit"),
  };

  // Keys that the element with the focus has a use for itself.
  function isOwn(target, key) {
    if (target.matches("select")) return true;
    if (target.matches("button, summary")) return key === " ";
    if (target.matches("input[type=radio]")) return key in ARROWS;
    if (target.matches("input[type=range]")) return key in ARROWS;
    return false;
  }

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const here = target === document.body || find("#player").contains(target);
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && key in ARROWS) {
      const [x, y] = ARROWS[key];
      move((-x * canvas.width) / 8, (-y * canvas.height) / 8);
    } else if (isOwn(target, key)) {
      return;
    } else if (key === "ArrowLeft" || key === "ArrowRight") {
      if (!alone) setDivider(divider + ARROWS[key][0] / 50);
    } else if (key.toLowerCase() in KEYS || key in KEYS) {
      (KEYS[key] ?? KEYS[key.toLowerCase()])();
    } else if (/^[1-9]$/.test(key) && !alone && key <= takes.length) {
      choose(1, Number(key) - 1);
    } else {
      return;
    }
    event.preventDefault();
  });

  /* The beginning. */

  function resize(entries) {
    const exact = entries?.[0].devicePixelContentBoxSize?.[0];
    const pixels = window.devicePixelRatio;
    canvas.width = exact?.inlineSize ?? Math.round(canvas.clientWidth * pixels);
    canvas.height = exact?.blockSize ?? Math.round(canvas.clientHeight * pixels);
    keepInside();
    changed = true;
    if (drawn) {
      const shown = sides().map(grab);
      draw(shown); // at once: a new size has emptied the canvas
      for (const { free } of shown) free();
    }
    tellFrame();
  }

  const observer = new ResizeObserver(resize);
  try {
    observer.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(canvas);
  }
  scrubber.max = String(last);
  for (const part of document.querySelectorAll("#choosers, #split, #line, #label-right, .two")) {
    part.hidden = alone;
  }
  stage.classList.toggle("alone", alone);
  // Browsers may have kept what stood there when the page was left.
  find("#zoom input[value=fit]").checked = true;
  find("#speed").value = "1";
  split.value = "50";
  resize();
  tellChosen();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) settle(0);
  else play();
})();
