"""Where chroma samples lie, as the standards have it."""

from __future__ import annotations

# Where libav and the standards put the first chroma sample, in luma samples from the first
# luma sample (x, y): ITU-T H.264 figure E-1.
FIRST = {
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
}
