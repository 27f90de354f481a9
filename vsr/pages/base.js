"use strict";

// What all pages have: the script of each follows.

const find = (selector) => document.querySelector(selector);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const say = (text) => {
  find("#status").textContent = text;
};

async function copy(button) {
  const code = button.closest(".command").querySelector("code");
  let copied = false;
  try {
    await navigator.clipboard.writeText(code.textContent);
    copied = true;
  } catch {
    // No clipboard for pages from a disk: select the text, as by hand.
    getSelection().selectAllChildren(code);
    copied = document.execCommand("copy");
  }
  button.textContent = copied ? "Copied" : "Selected";
  say(copied ? "The command line was copied." : "Press Ctrl+C to copy the command line.");
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2000);
}

for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", () => copy(button));
}
