(() => {
  const { frames, width, height, least, most, scale } = data;
  const stage = find("#stage");
  const picture = find("#picture");
  const slider = find("#frame");
  const fields = ["x", "y", "w", "h"].map((name) => find(`#${name}`));
  let region = null; // x, y, w, h in pixels of the video
  let frame = data.first;

  /* Where pixels of the video lie on the stage. */

  function layout() {
    const box = stage.getBoundingClientRect();
    const size = Math.min(box.width / width, box.height / height);
    const left = (box.width - width * size) / 2;
    const top = (box.height - height * size) / 2;
    return { box, size, left, top };
  }

  function pixelAt(event) {
    const { box, size, left, top } = layout();
    return [
      clamp((event.clientX - box.left - left) / size, 0, width),
      clamp((event.clientY - box.top - top) / size, 0, height),
    ];
  }

  function draw() {
    const mark = find("#region");
    mark.hidden = !region;
    if (!region) return;
    const { size, left, top } = layout();
    const [x, y, w, h] = region;
    const places = { left: left + x * size, top: top + y * size, width: w * size, height: h * size };
    for (const [name, value] of Object.entries(places)) mark.style.setProperty(name, `${value}px`);
    drawLoupe();
  }

  function drawLoupe() {
    const loupe = find("#loupe");
    if (!region || !picture.naturalWidth) return;
    const [x, y, w, h] = region;
    const share = picture.naturalWidth / width; // large frames are shown reduced
    loupe.width = Math.max(1, Math.round(w * share));
    loupe.height = Math.max(1, Math.round(h * share));
    const context = loupe.getContext("2d");
    context.drawImage(picture, x * share, y * share, w * share, h * share, 0, 0, loupe.width, loupe.height);
  }

  /* The region. */

  // In whole pixels, inside the picture, and large enough to be followed.
  function inside([x, y, w, h]) {
    const [columns, rows] = [clamp(Math.round(w), least, width), clamp(Math.round(h), least, height)];
    return [
      clamp(Math.round(x), 0, width - columns),
      clamp(Math.round(y), 0, height - rows),
      columns,
      rows,
    ];
  }

  function set(wanted) {
    region = inside(wanted);
    fields.forEach((field, index) => {
      field.value = String(region[index]);
    });
    draw();
    tell();
  }

  function tell() {
    const [w, h] = region ? region.slice(2) : [0, 0];
    const large = w * h > most;
    find(".command").hidden = !region || large;
    if (!region) {
      say("No region is drawn yet.");
    } else if (large) {
      say(`${w} × ${h} pixels are too many: a region has at most ${most}.`);
    } else {
      say(`${w} × ${h} pixels become a still of ${w * scale} × ${h * scale}.`);
      tellCommand({ crop: region.join(), at: frames[frame].at });
    }
  }

  function show(number) {
    frame = clamp(number, 0, frames.length - 1);
    const { at } = frames[frame];
    picture.src = frames[frame].picture;
    picture.alt = `The frame at ${at} seconds`;
    slider.value = String(frame);
    slider.setAttribute("aria-valuetext", `${frame + 1} of ${frames.length}, at ${at} seconds`);
    find("#readout").textContent = `${frame + 1} of ${frames.length} · ${at} s`;
    tell();
  }

  picture.addEventListener("load", draw);
  slider.addEventListener("input", () => show(Number(slider.value)));
  for (const field of fields) {
    field.addEventListener("change", () => {
      const wanted = fields.map(({ value }) => Number(value) || 0);
      if (!region && fields.some(({ value }) => value === "")) return; // not all are given yet
      set(wanted);
    });
  }

  /* Drawing: a new region, or the one there is to another place. */

  let drag = null;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drag) return;
    drag = { id: event.pointerId, from: pixelAt(event), moved: false };
    if (event.target.id === "region") drag.before = region;
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  });

  stage.addEventListener("pointermove", (event) => {
    if (drag?.id !== event.pointerId) return;
    const to = pixelAt(event);
    const [x, y] = [0, 1].map((axis) => to[axis] - drag.from[axis]);
    if (Math.max(Math.abs(x), Math.abs(y)) < 1 && !drag.moved) return;
    drag.moved = true;
    if (drag.before) {
      const [left, top, w, h] = drag.before;
      set([left + x, top + y, w, h]);
    } else {
      const [first, last] = [Math.min, Math.max].map((end) => [0, 1].map((axis) => end(to[axis], drag.from[axis])));
      set([...first, last[0] - first[0], last[1] - first[1]]);
    }
  });

  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, (event) => {
      if (drag?.id === event.pointerId) drag = null;
    });
  }

  new ResizeObserver(draw).observe(stage);
  slider.max = String(frames.length - 1);
  slider.parentElement.hidden = frames.length === 1;
  for (const field of fields) field.value = ""; // browsers may have kept what stood there
  show(frame);
})();
