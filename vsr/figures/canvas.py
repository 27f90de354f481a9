"""Lines and words on a white sheet, written as SVG or PNG."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

import cv2
import numpy as np

Point = tuple[float, float]

_ZOOM = 2  # PNG pixels per unit: sharp on dense screens
_SUBPIXEL = 4  # bits after the point in OpenCV's coordinates
_CAPITALS = 0.72  # height of capitals over the size of a font


@dataclass(frozen=True)
class Line:
    """A line through points; x to the right and y down, in units of one small pixel.

    Attributes:
        points: at least one; a single one is a dot of the line's width.
        color: "#rrggbb".
        width: in units.
    """

    points: tuple[Point, ...]
    color: str
    width: float = 1.0


@dataclass(frozen=True)
class Text:
    """A line of words.

    Attributes:
        at: the start, middle or end of the baseline, as `anchor` says.
        text: what it says; control characters become "?".
        color: "#rrggbb".
        size: of the font, in units.
        anchor: "start", "middle" or "end".
        bold: whether it stands out.
    """

    at: Point
    text: str
    color: str
    size: float = 13.0
    anchor: str = "start"
    bold: bool = False

    @property
    def shown(self) -> str:
        return "".join(c if c.isprintable() else "?" for c in self.text)


@dataclass(frozen=True)
class Drawing:
    """A sheet of `width` x `height` units, and what stands on it, lowest first."""

    width: int
    height: int
    shapes: tuple[Line | Text, ...]


def text_width(text: str, size: float = 13.0) -> float:
    """About how many units a text needs: fonts differ from reader to reader."""
    return 0.6 * size * len(text)


def to_svg(drawing: Drawing) -> bytes:
    """An SVG file. Its words are set in the reader's own sans-serif font."""
    size = f'width="{drawing.width}" height="{drawing.height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {drawing.width} {drawing.height}" font-family="system-ui, sans-serif">',
        f'<rect {size} fill="#ffffff"/>',
        *(_svg_line(s) if isinstance(s, Line) else _svg_text(s) for s in drawing.shapes),
        "</svg>",
    ]
    return "\n".join(lines).encode() + b"\n"


def _svg_line(line: Line) -> str:
    points = line.points if len(line.points) > 1 else line.points * 2  # round ends make a dot
    path = "M" + " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return (
        f'<path d="{path}" fill="none" stroke="{line.color}" stroke-width="{line.width:g}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _svg_text(text: Text) -> str:
    x, y = text.at
    weight = ' font-weight="bold"' if text.bold else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{text.size:g}" fill="{text.color}" '
        f'text-anchor="{text.anchor}"{weight}>{escape(text.shown)}</text>'
    )


def to_png(drawing: Drawing) -> bytes:
    """A PNG file of twice as many pixels as there are units."""
    size = (drawing.height * _ZOOM, drawing.width * _ZOOM, 3)
    sheet = np.full(size, 255, np.uint8)
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            _draw_line(sheet, shape)
        else:
            _draw_text(sheet, shape)
    _, data = cv2.imencode(".png", sheet)
    return data.tobytes()


def _draw_line(sheet: cv2.typing.MatLike, line: Line) -> None:
    points = np.rint(np.array(line.points) * (_ZOOM << _SUBPIXEL)).astype(np.int32)
    color, width = _bgr(line.color), round(line.width * _ZOOM)
    if len(points) == 1:
        radius = (width << _SUBPIXEL) // 2
        cv2.circle(sheet, points[0].tolist(), radius, color, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL)
    else:
        thickness = max(1, width - 1)  # the smoothing adds about one
        cv2.polylines(sheet, [points], False, color, thickness, cv2.LINE_AA, _SUBPIXEL)


def _draw_text(sheet: cv2.typing.MatLike, text: Text) -> None:
    font = cv2.FONT_HERSHEY_DUPLEX if text.bold else cv2.FONT_HERSHEY_SIMPLEX
    capitals = text.size * _CAPITALS * _ZOOM
    scale = cv2.getFontScaleFromHeight(font, round(capitals), 1)
    (width, _), _ = cv2.getTextSize(text.shown, font, scale, 1)
    before = {"start": 0.0, "middle": width / 2, "end": float(width)}[text.anchor]
    at = (round(text.at[0] * _ZOOM - before), round(text.at[1] * _ZOOM))
    cv2.putText(sheet, text.shown, at, font, scale, _bgr(text.color), 1, cv2.LINE_AA)


def _bgr(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color[1:])
    return blue, green, red
