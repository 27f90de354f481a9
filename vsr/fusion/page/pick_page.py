"""`vsr fuse INPUT OUTPUT.html` without a region: a page to draw one on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vsr.core.commit import commit_all
from vsr.core.crop import parse_crop
from vsr.core.errors import OutputError
from vsr.core.events import ignore
from vsr.core.paths import as_path
from vsr.fusion.options import FuseOptions
from vsr.fusion.page.command import LineOf, python_line
from vsr.fusion.page.sample_frames import SampleFrames, sample_frames
from vsr.fusion.paths import check_paths
from vsr.fusion.still import LEAST_SIDE, MOST_PIXELS
from vsr.pages.html import Parts, clean, filled, resource, whole_page

_ANY = parse_crop("0,0,8,8")  # until one is drawn


@dataclass(frozen=True)
class Picker:
    """What was made.

    Attributes:
        source, target: the video and the page.
        frames: how many frames it shows.
        warnings: what was said on the way.
    """

    source: Path
    target: Path
    frames: int
    warnings: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """All of it as plain numbers and strings, for JSON."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "files": {"page": str(self.target)},
            "frames": self.frames,
            "warnings": list(self.warnings),
        }


def pick_region(
    source: str | Path,
    target: str | Path,
    *,
    warn: Callable[[str], None] | None = None,
    line_of: LineOf = python_line,
    **keywords: Any,
) -> Picker:
    """Write a page that shows some frames, to draw the region on that `fuse` takes.

    The page tells the command that fuses what was drawn, and writes its page in this one's place.

    Args:
        source: a video, or images as one, as in `fuse`.
        target: a .html.
        warn: called with each warning.
        line_of: writes the command that the page tells; a call of `fuse` if left out.
        keywords: fields of FuseOptions but for `crop`, `keep` and `drop`.

    Raises VsrError, in one line, and TypeError for a keyword that is no field.
    """
    options = FuseOptions(crop=_ANY, **keywords)
    path, place = as_path(source, "source"), as_path(target, "target", OutputError)
    if place.suffix.lower() != ".html":
        raise OutputError(f"{place}: a page is a .html")
    check_paths(path, [place], options)
    said: list[str] = []

    def tell(message: str) -> None:
        said.append(message)
        (warn or ignore)(message)

    found = sample_frames(path, options.read, tell)
    text = _page(found, path, place, options, line_of)
    commit_all({place: text.encode()}, options.overwrite)
    return Picker(path, place, len(found.frames), tuple(said))


def _page(
    found: SampleFrames, path: Path, place: Path, options: FuseOptions, line_of: LineOf
) -> str:
    info = found.info
    width, height = info.orientation.pair(info.width, info.height)
    name = clean(path.name)
    scripts = ("common.js", "pick.js")
    return whole_page(
        Parts(
            title=f"{name}: the region to fuse",
            kind=f"{len(found.frames)} frames of {width} &times; {height}",
            body=filled(
                resource("vsr.fusion.page", "pick.html"),
                {
                    "width": str(width),
                    "height": str(height),
                    "least": str(LEAST_SIDE),
                    "cut": "" if found.cut else "hidden",
                },
            ),
            style="\n".join(resource("vsr.fusion.page", n) for n in ("common.css", "pick.css"))
            + f"\n:root {{ --ratio: {width} / {height}; }}\n",
            script="\n".join(resource("vsr.fusion.page", name) for name in scripts),
            data={
                "frames": [{"at": one.at, "picture": one.picture} for one in found.frames],
                "first": _first(found, options),
                "width": width,
                "height": height,
                "least": LEAST_SIDE,
                "most": MOST_PIXELS,
                "scale": options.scale,
                "line": line_of(path, place, replace(options, overwrite=True)).data(),
            },
        )
    )


def _first(found: SampleFrames, options: FuseOptions) -> int:
    """The frame that is shown at first: the last one up to `at`."""
    if options.at is None:
        return 0
    before = [n for n, one in enumerate(found.frames) if float(one.at) <= float(options.at)]
    return max(before, default=0)
