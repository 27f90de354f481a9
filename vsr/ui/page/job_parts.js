// Parts of a job that the list and its own view share: state, progress, what can be done to it.

import { write } from "./api.js";
import { announce, data, icon, make, said, setText } from "./dom.js";
import * as store from "./jobs_store.js";
import { nameIn } from "./places.js";
import { bytes, moment, number, percent, span, t } from "./texts.js";

const MOST = 100; // priorities go as far, both ways

export const ended = (job) => store.ENDED.has(job.state);
export const nameOf = (job) => {
  if (job.command === "check") return nameIn(job.target);
  return job.sources?.length > 1
    ? t("job.sources", { name: nameIn(job.source), n: job.sources.length - 1 }) : nameIn(job.source);
};

/** What it writes; of a check, which writes nothing, what it is compared with. */
export const targetOf = (job) => (job.command === "check"
  ? [t("check.source"), ": ", data(job.source, "span", { dir: "auto" })]
  : ["→ ", data(job.target, "span", { dir: "auto" })]);

/** What stands over a job: what it does to which file. */
export const titleOf = (job) => [t(`command.${job.command}`), " ", data(nameOf(job), "span", { dir: "auto" })];

/** A line on where it stands: how far, how fast, how long yet. */
export function lineOf(job) {
  const { progress, state } = job;
  if (job.asked && !ended(job)) return t(`asked.${job.asked}`);
  if (ended(job)) {
    const parts = [moment(job.ended ?? job.made)];
    if (job.begun && job.ended) parts.push(t("job.took", { time: span(job.ended - job.begun) }));
    if (job.result?.frames_out) parts.push(t("job.framesonly", { n: job.result.frames_out }));
    if (job.result?.output_bytes) parts.push(bytes(job.result.output_bytes));
    return parts.join(" · ");
  }
  const parts = [];
  if (progress?.files) parts.push(t("job.files", { done: progress.files_done ?? 0, n: progress.files }));
  if (progress?.expected) {
    parts.push(t("job.frames", { done: progress.frames, n: progress.expected }));
  } else if (progress?.frames) parts.push(t("job.framesonly", { n: progress.frames }));
  if (state === "running" && progress?.fps) parts.push(t("job.fps", { fps: number(progress.fps, 1) }));
  if (state === "running" && progress?.seconds_left != null) {
    parts.push(t("job.left", { time: span(progress.seconds_left) }));
  }
  if (state === "queued" && !parts.length) parts.push(t("job.since", { time: moment(job.made) }));
  return parts.join(" · ");
}

/** The part of it that is done, or null where nobody knows. */
export function partOf({ state, progress }) {
  if (state === "done") return 1;
  if (progress?.files > 1) return (progress.files_done ?? 0) / progress.files;
  if (progress?.share != null) return progress.share;
  return progress?.expected ? Math.min(1, progress.frames / progress.expected) : null;
}

export const stateBadge = () => make("span", { class: "state" });

export function tellState(badge, job) {
  const state = job.state === "done" && job.notes?.length ? "warned" : job.state;
  badge.dataset.state = state;
  setText(badge, t(`state.${state}`));
}

export function progressBar() {
  const bar = make("progress", { max: "1" });
  const words = make("span", { class: "percent", "aria-hidden": "true" });
  return { element: make("div", { class: "progress" }, bar, words), bar, words };
}

export function tellProgress({ element, bar, words }, job) {
  const part = partOf(job);
  element.hidden = ended(job) || (job.state === "queued" && !part);
  bar.setAttribute("aria-label", `${t(`command.${job.command}`)} ${nameOf(job)}`);
  if (part === null) bar.removeAttribute("value");
  else bar.value = part;
  setText(words, part === null ? "" : percent(Math.floor(100 * part) / 100));
}

const ICONS = {
  raise: "M12 5l8 9h-5v6H9v-6H4z",
  lower: "M12 19l-8-9h5V4h6v6h5z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  resume: "M7 4v16l13-8z",
  cancel: "M5 7l2-2 5 5 5-5 2 2-5 5 5 5-2 2-5-5-5 5-2-2 5-5z",
  again: "M12 5V1l6 5.5-6 5.5V8a5 5 0 1 0 5 5h3a8 8 0 1 1-8-8z",
  forget: "M5 7l2-2 5 5 5-5 2 2-5 5 5 5-2 2-5-5-5 5-2-2 5-5z",
};

const ACTIONS = {
  raise: (job) => write("PATCH", `/api/jobs/${job.id}`, { priority: Math.min(MOST, job.priority + 1) }),
  lower: (job) => write("PATCH", `/api/jobs/${job.id}`, { priority: Math.max(-MOST, job.priority - 1) }),
  pause: (job) => write("PATCH", `/api/jobs/${job.id}`, { state: "paused" }),
  resume: (job) => write("PATCH", `/api/jobs/${job.id}`, { state: "queued" }),
  cancel: (job) => write("PATCH", `/api/jobs/${job.id}`, { state: "cancelled" }),
  again: (job) => write("PATCH", `/api/jobs/${job.id}`, { state: "queued" }),
  forget: (job) => write("DELETE", `/api/jobs/${job.id}`),
};

function allowed(job) {
  const { state, priority } = job;
  return {
    raise: state === "queued" && priority < MOST,
    lower: state === "queued" && priority > -MOST,
    pause: ["queued", "running"].includes(state) && !job.asked && !job.live,
    resume: state === "paused",
    cancel: !ended(job) && job.asked !== "cancel",
    again: ["failed", "cancelled"].includes(state),
    forget: ended(job),
  };
}

/** The buttons of a job; `words` shows their names beside the icons. */
export function jobButtons(id, words = false) {
  const trouble = make("span", { class: "bad", role: "status" });
  const buttons = new Map(Object.keys(ACTIONS).map((action) => {
    const onclick = async () => {
      try {
        trouble.replaceChildren();
        const job = store.job(id);
        if (!job) return;
        // What came of it arrives as an event; the answer may be older than that.
        await ACTIONS[action](job);
        announce(t(`told.${action}`));
      } catch (error) {
        trouble.replaceChildren(said(error.message));
      }
    };
    const button = make("button", { type: "button", class: words ? "" : "small", onclick }, icon(ICONS[action]));
    if (words) button.append(make("span", {}, t(`act.${action}`)));
    return [action, button];
  }));
  const element = make("div", { class: "buttons" }, ...buttons.values(), trouble);
  return { element, buttons };
}

export function tellButtons({ buttons }, job) {
  const may = allowed(job);
  for (const [action, button] of buttons) {
    const held = button === document.activeElement;
    button.hidden = !may[action];
    const label = `${t(`act.${action}`)}: ${nameOf(job)}`;
    button.setAttribute("aria-label", label);
    button.title = t(`act.${action}`);
    // The button that had the focus is gone: it goes to the next that is there.
    if (held && button.hidden) [...buttons.values()].find((other) => !other.hidden)?.focus();
  }
}
