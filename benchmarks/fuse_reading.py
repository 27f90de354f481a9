"""How many letters of a sign can be read, for benchmarks/fuse.py.

By Debian's tesseract where it is installed with the script's language; else by templates: at each
letter's place the glyph of the script that is most alike, which is told where a letter is and what
it may be, and so reads more.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from shutil import which

import cv2
import numpy as np
import stroke_font
from fuse_scenes import SCALE, Luma, Scene

LANGUAGES = {
    "Latin": "eng",
    "Cyrillic": "rus",
    "Greek": "ell",
    "Chinese": "chi_sim",
    "Hebrew": "heb",
}
_QUIET = 24  # pixels of the ground around what is read
_LETTER = 32  # pixels of its height: what tesseract reads best
_AROUND = 0.8  # units of the font around a letter that a template holds


@cache
def languages() -> tuple[str, ...]:
    """Those that tesseract has here; none without it."""
    if not which("tesseract"):
        return ()
    told = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True)
    return tuple(told.stdout.split("\n")[1:])


def reads(script: str) -> str:
    """Who reads a script here: "tesseract" or "templates"."""
    return "tesseract" if LANGUAGES[script] in languages() else "templates"


def rightly_read(picture: Luma, scene: Scene) -> int:
    """How many letters of a sign, SCALE times its size, are read: what is too much counts off."""
    dark = 255 - picture if scene.light_on_dark else picture
    found = _by_tesseract(dark, scene) if reads(scene.script) == "tesseract" else ""
    if reads(scene.script) == "templates":
        found = _by_templates(dark, scene)
    return max(0, len(scene.text) - _distance(found, scene.text))


def _by_tesseract(dark: Luma, scene: Scene) -> str:
    factor = _LETTER / (stroke_font.HEIGHT * scene.unit * SCALE)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    inner = dark[4:-4, 4:-4]  # without the sign's frame, most of it
    sized = cv2.resize(inner, None, fx=factor, fy=factor, interpolation=method)
    paper = int(np.percentile(sized, 90))
    page = cv2.copyMakeBorder(sized, *[_QUIET] * 4, cv2.BORDER_CONSTANT, value=paper)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sign.png"
        cv2.imwrite(str(path), page)
        command = ["tesseract", str(path), "-", "--psm", "6", "-l", LANGUAGES[scene.script]]
        alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        told = subprocess.run(command, capture_output=True, text=True, env=alone, check=True)
    return "".join(one for one in told.stdout.upper() if one.isalnum())


def _by_templates(dark: Luma, scene: Scene) -> str:
    unit = scene.unit * SCALE
    _, begins = scene.ink(unit)
    rim = _AROUND * unit
    width, height = (round(side * unit + 2 * rim) for side in (4, 6))
    known = stroke_font.SCRIPTS[scene.script]
    drawn = {}
    for character, glyph in known.items():
        canvas = np.zeros((height, width), np.uint8)
        stroke_font.draw(canvas, glyph, rim, rim, unit, scene.thick * unit)
        drawn[character] = 255 - canvas
    step = -1 if scene.script in stroke_font.RIGHT_TO_LEFT else 1
    found = ""
    for line in begins:
        for x, y in line[::step]:
            left, top = round(x - rim), round(y - rim)
            part = dark[max(0, top - 2) : top + height + 2, max(0, left - 2) : left + width + 2]
            likeness = {
                one: cv2.matchTemplate(part, glyph, cv2.TM_CCOEFF_NORMED).max()
                for one, glyph in drawn.items()
            }
            found += max(likeness, key=likeness.__getitem__)
    return found


def _distance(one: str, other: str) -> int:
    """The fewest letters to put in, take out or exchange, from one to the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row = row, [number]
        for place, wanted in enumerate(other, 1):
            row.append(min(row[-1] + 1, before[place] + 1, before[place - 1] + (letter != wanted)))
    return row[-1]
