// What was chosen for a file, kept while the page lives, and the request that it makes.

const kept = new Map();

/** The choices for a file or folder: those of the last visit, or fresh ones. */
export function choicesFor(path) {
  if (!kept.has(path)) {
    kept.set(path, {
      command: "upscale",
      at: 0, // seconds, of the frame that is shown
      start: null, // seconds, of the span, from the first frame on; null: from the beginning
      end: null,
      crop: null, // [x, y, width, height] in pixels as shown
      options: { record: true }, // by name
      takes: [], // models of a preview
      seconds: 3, // length of a preview
      from: "moment", // where a preview begins: "moment", "frame" or "span"
      container: "", // suffix of the output, "" as the source's
      target: "", // "" for the name that the server proposes
      wrong: {}, // what is wrong with a field as it was typed, by "region" and "span"
      source: "", // what a checked file was made from
    });
  }
  return kept.get(path);
}

const seconds = (value) => Number(value.toFixed(3));

// Where the command begins and ends, as its own options say it.
function spanOf(choices) {
  const { command, at, start, end, from } = choices;
  if (command !== "preview") {
    const span = {};
    if (start !== null) span.start = seconds(start);
    if (end !== null) span.end = seconds(end);
    if (command === "fuse") span.at = seconds(at);
    return span;
  }
  const begin = { moment: null, frame: at, span: start ?? 0 }[from];
  const span = { duration: choices.seconds };
  if (begin !== null) span.start = seconds(begin);
  return span;
}

/** The request for /api/command and /api/jobs; `options` are those that the command has. */
export function requestOf(choices, path, options) {
  const { command, crop, takes } = choices;
  const values = { ...choices.options, ...spanOf(choices) };
  if (command === "preview" && takes.length) values.model = takes;
  if (crop) values.crop = crop.join(",");
  if (command === "check") delete values.record; // there it means to add to one
  const given = {};
  for (const option of options) {
    const value = values[option.name];
    if (value === undefined || value === null || value === "") continue;
    given[option.name] = option.multiple && !Array.isArray(value) ? [value] : value;
  }
  if (command === "check") {
    return { command, source: choices.source, target: path, options: given };
  }
  return { command, source: path, target: choices.target, options: given };
}
