# ruff: noqa: RUF001 (letters of scripts that share shapes)
"""A font of strokes for benchmarks/fuse.py: letters of five scripts that look alike on any machine.

A glyph is a few polylines. Each of their points is two digits, x in 0..4 and y in 0..6, downwards.
Left out are letters that so coarse a drawing leaves alike (O and 0, I and 1), as on many plates,
and those that tesseract does not read however large they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 4, 6
"""Of a glyph, between the middles of its outermost strokes."""
PITCH = 6.2
"""From one glyph to the next."""
LEADING = 9.0
"""From one line to the next."""
_FINE = 4  # bits of a pixel that cv2 draws to

_LATIN = {
    "0": "103041453616050110",
    "1": "112026 0646",
    "2": "01103041420646",
    "3": "0110304142334445361605 1333",
    "4": "36300444",
    "5": "40000312324345361605",
    "6": "413010010516364544331304",
    "7": "004016",
    "8": "103041423313020110 1304051636454433",
    "9": "051636454130100102133342",
    "A": "062046 1434",
    "B": "0333424130000636454433",
    "C": "4130100105163645",
    "D": "00204244260600",
    "E": "40000646 0333",
    "F": "400006 0333",
    "G": "41301001051636454323",
    "H": "0006 4046 0343",
    "J": "4045361605",
    "K": "0006 4004 1346",
    "L": "000646",
    "M": "0600234046",
    "N": "06004640",
    "P": "06003041423303",
    "R": "06003041423303 2346",
    "S": "413010010213334445361605",
    "T": "0040 2026",
    "U": "000516364540",
    "V": "002640",
    "W": "0016223640",
    "X": "0046 4006",
    "Y": "002340 2326",
    "Z": "00400646",
}
_CYRILLIC = {
    **dict(zip("АВЕКМНРСТХ", (_LATIN[one] for one in "ABEKMHPCTX"), strict=True)),
    "Б": "4000063645443303",
    "Г": "400006",
    "Д": "06054546 15103035",
    "И": "00064046",
    "Л": "0615104046",
    "П": "06004046",
    "У": "4006 0023",
    "Ф": "2026 113142433414030211",
    "Ч": "00021343 4046",
    "Ш": "00064640 2026",
    "Ю": "203041453626151120 0006 0313",
    "Я": "46401001021343 2306",
}
_GREEK = {
    **dict(zip("ΑΒΕΖΗΚΜΝΡΤΥΧ", (_LATIN[one] for one in "ABEZHKMNPTYX"), strict=True)),
    "Γ": _CYRILLIC["Г"],
    "Δ": "06204606",
    "Θ": "103041453616050110 1333",
    "Λ": "062046",
    "Ξ": "0040 1333 0646",
    "Π": _CYRILLIC["П"],
    "Σ": "4000230646",
    "Φ": _CYRILLIC["Ф"],
    "Ψ": "2026 000213334240",
    "Ω": "061615030110304143353646",
}
_CHINESE = {
    "口": "0040460600",
    "目": "1030361610 1232 1434",
    "田": "0040460600 0343 2026",
    "中": "0141440401 2026",
    "山": "02064642 2026",
    "王": "0040 0343 0646 2026",
    "大": "0242 202306 2246",
    "天": "1030 0242 202306 2246",
    "木": "0242 2026 2205 2245",
    "本": "0141 2026 2104 2144 1535",
    "土": "0242 2026 0646",
    "工": "0040 2026 0646",
    "上": "2026 2343 0646",
    "下": "0040 2026 2234",
    "人": "202306 2246",
    "十": "0343 2026",
}
_HEBREW = {
    "א": "0046 404233 060412",
    "ב": "003036 0646",
    "ד": "0040 3036",
    "ה": "004046 0306",
    "ח": "06004046",
    "ל": "0002424326",
    "ם": "0040460600",
    "ת": "00304146 101606",
}
SCRIPTS = {
    "Latin": _LATIN,
    "Cyrillic": _CYRILLIC,
    "Greek": _GREEK,
    "Chinese": _CHINESE,
    "Hebrew": _HEBREW,
}
"""The glyphs of each, by their characters."""
RIGHT_TO_LEFT = ("Hebrew",)


def draw(canvas: Picture, glyph: str, x: float, y: float, unit: float, thick: float) -> None:
    """Strokes of 255 on a canvas, the glyph's 0, 0 at (x, y), `unit` and `thick` in pixels."""
    for stroke in glyph.split():
        digits = np.array([int(digit) for digit in stroke], float).reshape(-1, 2)
        points = np.rint((digits * unit + [x, y]) * 2**_FINE).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, round(thick), cv2.LINE_AA, _FINE)


def page(
    lines: Sequence[Sequence[str]], unit: float, thick: float, margin: float
) -> tuple[Picture, list[list[tuple[float, float]]]]:
    """Lines of glyphs as ink 255 on 0, and where each begins; `margin` in units all around."""
    columns = max(len(line) for line in lines)
    width = round(((columns - 1) * PITCH + WIDTH + 2 * margin) * unit)
    height = round(((len(lines) - 1) * LEADING + HEIGHT + 2 * margin) * unit)
    canvas = np.zeros((height, width), np.uint8)
    begins = [
        [((margin + x * PITCH) * unit, (margin + y * LEADING) * unit) for x in range(len(line))]
        for y, line in enumerate(lines)
    ]
    for line, places in zip(lines, begins, strict=True):
        for glyph, (x, y) in zip(line, places, strict=True):
            draw(canvas, glyph, x, y, unit, thick)
    return canvas, begins
