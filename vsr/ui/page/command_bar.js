// What will be run: its output's name, the command line that does the same, and the button.

import { write } from "./api.js";
import { announce, data, field, make, said, setText } from "./dom.js";
import * as store from "./jobs_store.js";
import { jobAt, suffixOf } from "./places.js";
import { t } from "./texts.js";

const PAUSE = 200; // milliseconds after the last change

/** A command line to copy; `tell` shows another. */
export function commandLine(line = "") {
  const code = data("", "code");
  const tell = (text) => {
    button.disabled = !text;
    if (code.textContent === text) return;
    const words = text.split(" ").map((one) => make("span", { class: "word" }, one));
    code.replaceChildren(...words.flatMap((one, index) => (index ? [" ", one] : [one])));
  };
  const button = make("button", { type: "button", class: "copy", onclick: () => copy(code) }, t("command.copy"));
  tell(line);
  const box = make("pre", { tabindex: "0", role: "region", "aria-label": t("command.title") }, code);
  const heading = make("h2", {}, t("command.title"));
  return { element: make("div", { class: "command" }, heading, button, box), tell };
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    announce(t("command.copied"));
  } catch {
    getSelection().selectAllChildren(code);
    announce(t("command.selected"));
  }
}

/**
 * @param {object} choices `target` is read and set
 * @param {() => object} request what /api/command takes
 * @param {{named: boolean, run: string, suffix: () => string,
 *   missing: () => string}} how whether the output has a name
 *   of the user's, what the button says, the suffix that was asked for, or "", and what is still missing, or ""
 */
export function commandBar(choices, request, how, signal) {
  const { element: shown, tell } = commandLine();
  const trouble = make("p", { class: "bad", role: "status" });
  const target = make("input", {
    type: "text", autocomplete: "off", spellcheck: "false", translate: "no",
    oninput: () => {
      choices.target = target.value.trim();
      tellTarget();
      later();
    },
  });
  const images = make("p", { class: "hint", role: "status" });
  const hint = make("p", { class: "hint", role: "status", hidden: true });
  const button = make("button", { type: "button", class: "primary", onclick: run }, how.run);
  let timer = null;
  let asked = 0;

  function later() {
    clearTimeout(timer);
    const missing = how.missing();
    setText(hint, missing);
    hint.hidden = !missing;
    if (!missing) {
      timer = setTimeout(ask, PAUSE);
      return;
    }
    asked += 1; // an answer that is on its way is of no use any more
    tell("");
    trouble.replaceChildren();
    button.disabled = true;
  }

  function tellTarget() {
    const folder = choices.command === "upscale" && choices.target && !suffixOf(choices.target);
    setText(images, folder ? t("target.images") : "");
  }

  // The server words the command line, so that what is shown is what runs.
  async function ask() {
    asked += 1;
    const mine = asked;
    const answer = await word(request(), how.suffix()).catch((error) => ({ error: error.message }));
    if (signal.aborted || mine !== asked) return;
    tell(answer.error ? "" : answer.line);
    trouble.replaceChildren(answer.error ? said(answer.error) : "");
    button.disabled = Boolean(answer.error);
    if (!choices.target && answer.target) target.placeholder = answer.target;
  }

  async function run() {
    button.disabled = true;
    try {
      clearTimeout(timer);
      const order = request();
      if (!order.target && how.suffix()) order.target = (await word(order, how.suffix())).target;
      const job = await write("POST", "/api/jobs", order);
      if (!store.job(job.id)) store.put(job); // an event may have told more already
      choices.target = ""; // its name is taken now
      if (signal.aborted) return;
      location.hash = jobAt(job.id);
    } catch (error) {
      trouble.replaceChildren(said(error.message));
      button.disabled = false;
    }
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  later();
  const name = how.named ? [field(t("target.title"), target, images)] : [];
  if (how.named) target.value = choices.target;
  const element = make("section", { class: "card run", "aria-label": t("run.title") }, ...name,
    shown, trouble, hint, button);
  tellTarget();
  return { element, later };
}

// The command line of a request; where a suffix was chosen, the name that is proposed gets it.
async function word(order, suffix) {
  const answer = await write("POST", "/api/command", order);
  if (order.target || !suffix || !answer.target || answer.target.endsWith(suffix)) return answer;
  const target = answer.target.replace(/\.[^./]*$/, "") + suffix;
  return write("POST", "/api/command", { ...order, target });
}
