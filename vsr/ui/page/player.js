// A finished file, played where the browser can; else it says so and offers the file.

import { media } from "./api.js";
import { data, make } from "./dom.js";
import { nameIn, suffixOf } from "./places.js";
import { t } from "./texts.js";

const STILLS = new Set([".png", ".jpg", ".jpeg", ".webp", ".bmp", ".avif", ".gif"]);

/** The file's name, and a link that saves it. */
export function saveLink(path) {
  const name = nameIn(path);
  return make("p", { class: "beside" }, data(name, "span", { dir: "auto" }), " ",
    make("a", { href: `${media(path)}&download=1`, download: name, class: "button" }, t("player.save")));
}

export function player(path) {
  const address = media(path);
  const name = nameIn(path);
  const trouble = make("p", { class: "note", role: "status", hidden: true });
  const cannot = () => {
    shown.hidden = true;
    trouble.hidden = false;
    trouble.textContent = t("player.cannot");
  };
  const shown = STILLS.has(suffixOf(path))
    ? make("img", { src: address, alt: t("player.still", { name }), onerror: cannot })
    : make("video", {
      src: address, controls: true, playsinline: true, preload: "metadata",
      "aria-label": t("player.video", { name }), onerror: cannot,
    });
  // A file whose video alone cannot be decoded plays on as sound.
  shown.addEventListener("loadedmetadata", () => {
    if (!shown.videoWidth) cannot();
  });
  return make("div", { class: "player" }, shown, trouble, saveLink(path));
}
