// What a command still needs before it can run, in words, and the region that it really takes.

import { t } from "./texts.js";

const LEAST_FUSED = 8; // pixels that a fused region has at least, each way
const MOST_FUSED = 512 * 512; // and at most, of all

/** Pixels that the sides of a region have at least. */
export const leastOf = (command) => (command === "fuse" ? LEAST_FUSED : 1);

// A range of pixels, outward to the grid, which is counted from the other end where it is turned.
function outward(first, length, step, side, backwards) {
  const [from, to] = backwards ? [side - first - length, side - first] : [first, first + length];
  const [low, high] = [Math.floor(from / step) * step, Math.min(Math.ceil(to / step) * step, side)];
  return backwards ? [side - high, high - low] : [low, high - low];
}

/** The region in whole samples of chroma, as the command takes it: [x, y, width, height]. */
export function grown([x, y, width, height], source) {
  const { columns, rows, right, bottom } = source.grid;
  const [left, wide] = outward(x, width, columns, source.width, right);
  const [top, high] = outward(y, height, rows, source.height, bottom);
  return [left, top, wide, high];
}

/** Why this cannot run yet, as a sentence; "" where it can be asked of the server. */
export function missing(choices, source, writable) {
  const { command, crop, wrong } = choices;
  if (!writable && command !== "check") return t("missing.writable");
  if (wrong.region || wrong.span) return wrong.region || wrong.span;
  if (command === "check" && !choices.source) return t("missing.source");
  return command === "fuse" ? missingToFuse(choices, crop, source) : "";
}

function missingToFuse({ at, start, end }, crop, source) {
  if (!crop) return t("missing.region");
  const [, , width, height] = source ? grown(crop, source) : crop;
  if (Math.min(width, height) < LEAST_FUSED) return t("region.small", { width, height, least: LEAST_FUSED });
  if (width * height > MOST_FUSED) return t("missing.smaller", { most: MOST_FUSED });
  if ((start ?? 0) > at || (end !== null && at >= end)) return t("missing.moment");
  return "";
}
