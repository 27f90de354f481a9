"""VMAF and XPSNR of a clip, measured by the ffmpeg binary that the package imageio-ffmpeg carries.

Frames go to it as raw luma through one pipe, each picture above its truth in a single frame twice
as high, which ffmpeg cuts in two again. So no frame can be measured against another's truth, and
nothing is scaled or converted: both filters see the very samples, 8 bits deep.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from vsr.core.errors import InputError
from vsr.datasets.ground_truth import Plane

LEAST = 32
"""Columns and rows of the smallest frames that are measured: libvmaf crashes at 16."""

MODELS = {"vmaf": "vmaf_v0.6.1", "vmaf-neg": "vmaf_v0.6.1neg"}
"""VMAF's models by the metrics' names; libvmaf has them built in.

VMAF: Li et al. 2016, "Toward a practical perceptual video quality metric". NEG, "no enhancement
gain", is the one of Li et al. 2020, "Toward a better quality metric for the video community".
"""

XPSNR = "xpsnr"
"""Helmrich et al. 2020, "XPSNR: A low-complexity extension of the perceptually weighted peak
signal-to-noise ratio for high-resolution video quality assessment"."""

_RATE = 25  # frames a second, as of all clips here; XPSNR alone asks, and only above 32
_VMAF_LOG, _XPSNR_LOG, _MESSAGES = "vmaf.json", "xpsnr.log", "messages.txt"
_FRAME = re.compile(r"^n:\s*\d+\s+XPSNR y: *(\S+)", re.MULTILINE)
_AVERAGE = re.compile(r"^XPSNR average, \d+ frames\s+y: *(\S+)", re.MULTILINE)


def ffmpeg_binary() -> str:
    """The ffmpeg that imageio-ffmpeg carries, or that it was told of. Raises InputError."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise InputError('needs imageio-ffmpeg: pip install "vsr-video[metrics]"') from None
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:  # no binary for this kind of machine
        raise InputError(f"needs an ffmpeg ({' '.join(str(error).split())})") from None


def check_filters(metrics: Mapping[str, str]) -> None:
    """Raise InputError where ffmpeg has not the filter that a metric, by its name, needs."""
    told = subprocess.run(
        [ffmpeg_binary(), "-hide_banner", "-filters"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    ).stdout.decode(errors="replace")
    known = {words[1] for line in told.splitlines() if len(words := line.split()) > 2}
    for metric, needed in metrics.items():
        if needed not in known:
            raise InputError(
                f"metric {metric!r}: {ffmpeg_binary()} has no filter {needed}; "
                "that of imageio-ffmpeg 0.8 has it"
            )


def filter_of(metric: str) -> str:
    """The name of the filter that measures one of MODELS, or XPSNR."""
    return "libvmaf" if metric in MODELS else "xpsnr"


class Meter:
    """Measures the frames of a clip, against their truths, as they come.

    As a context manager: leaving it ends the process and removes what it has written.
    """

    def __init__(self, *metrics: str) -> None:
        """`metrics` are some of MODELS, and XPSNR. Nothing is started before the first frame."""
        self._metrics = metrics
        self._folder = tempfile.TemporaryDirectory(prefix="vsr-")
        self._process: subprocess.Popen[bytes] | None = None
        self._shape: tuple[int, ...] = ()
        self._frames = 0

    def __enter__(self) -> Meter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            with suppress(OSError):
                self._pipe.close()
            self._process.wait()
        self._folder.cleanup()

    def add(self, picture: Plane, truth: Plane) -> None:
        """The next frame and its truth, luma (H, W) uint8, of one size throughout.

        Raises InputError for frames below LEAST, and where ffmpeg fails; ValueError for two sizes.
        """
        if self._process is None:
            self._shape = truth.shape
            if min(self._shape) < LEAST:
                height, width = self._shape
                named = " and ".join(self._metrics)
                raise InputError(
                    f"{named}: {width}x{height} pixels inside the border are too few: "
                    f"both sides need {LEAST}"
                )
            self._process = self._started()
        if not picture.shape == truth.shape == self._shape:
            raise ValueError(f"frames of {picture.shape} and {truth.shape} after {self._shape}")
        try:
            self._pipe.write(np.concatenate([picture, truth]).tobytes())
        except OSError:
            raise self._failed() from None
        self._frames += 1

    def scores(self) -> dict[str, float]:
        """The clip's figures by metric, after the last of at least one frame.

        VMAF in [0, 100], the mean over the frames. XPSNR of the luma in dB as ffmpeg tells it of
        a clip, from the mean over the frames of the root of their weighted errors; inf where all
        are equal. Raises InputError where ffmpeg fails.
        """
        assert self._process is not None, "no frame was added"
        try:
            self._pipe.close()
        except OSError:
            raise self._failed() from None
        if self._process.wait():
            raise self._failed()
        found = self._vmaf() if any(metric in MODELS for metric in self._metrics) else {}
        if XPSNR in self._metrics:
            found[XPSNR] = self._xpsnr()
        return found

    @property
    def _pipe(self) -> BinaryIO:
        assert self._process is not None
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    def _started(self) -> subprocess.Popen[bytes]:
        height, width = self._shape
        source = ["-f", "rawvideo", "-pix_fmt", "gray", "-video_size", f"{width}x{2 * height}"]
        source += ["-framerate", str(_RATE), "-i", "pipe:0"]
        command = [ffmpeg_binary(), "-hide_banner", "-loglevel", "error", *source]
        command += ["-filter_complex", self._graph(width, height), "-fps_mode", "passthrough"]
        # In its own folder, so that no path has to be quoted for the filters.
        with (self._path / _MESSAGES).open("wb") as messages:
            return subprocess.Popen(
                [*command, "-f", "null", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=messages,
                cwd=self._path,
            )

    def _graph(self, width: int, height: int) -> str:
        """Both halves as luma with two more planes, which libvmaf wants and nothing reads."""
        models = [name for name in self._metrics if name in MODELS]
        filters = []
        if models:
            words = "|".join(f"version={MODELS[name]}\\\\:name={name}" for name in models)
            filters.append(f"libvmaf=model={words}:log_fmt=json:log_path={_VMAF_LOG}")
        if XPSNR in self._metrics:
            filters.append(f"xpsnr=stats_file={_XPSNR_LOG}")
        count = len(filters)
        halves = {"picture": 0, "truth": height}
        chains = [f"[0:v]split{''.join(f'[{half}]' for half in halves)}"]
        for half, top in halves.items():
            cut = f"crop={width}:{height}:0:{top}:exact=1,mergeplanes=format=yuv444p"
            outputs = "".join(f"[{half}{n}]" for n in range(count))
            chains.append(f"[{half}]{cut},split={count}{outputs}")
        for n, measure in enumerate(filters):
            # XPSNR takes the truth first, and weighs the error by what it shows.
            first, second = ("truth", "picture") if "xpsnr" in measure else ("picture", "truth")
            chains.append(f"[{first}{n}][{second}{n}]{measure}")
        return ";".join(chains)

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)

    def _vmaf(self) -> dict[str, float]:
        try:
            log = json.loads((self._path / _VMAF_LOG).read_text())
            count, pooled = len(log["frames"]), log["pooled_metrics"]
            means = {n: float(pooled[n]["mean"]) for n in self._metrics if n in MODELS}
        except (OSError, ValueError, KeyError, TypeError):
            raise self._failed() from None
        return self._checked(count, means)

    def _xpsnr(self) -> float:
        try:
            log = (self._path / _XPSNR_LOG).read_text()
            average = float(_AVERAGE.findall(log)[-1])
        except (OSError, ValueError, IndexError):
            raise self._failed() from None
        return self._checked(len(_FRAME.findall(log)), {XPSNR: average})[XPSNR]

    def _checked(self, count: int, found: dict[str, float]) -> dict[str, float]:
        named = ", ".join(found)
        if count != self._frames:
            raise InputError(f"{named}: ffmpeg measured {count} frames, not {self._frames}")
        if any(math.isnan(value) for value in found.values()):
            raise InputError(f"{named}: ffmpeg measured nothing")
        return found

    def _failed(self) -> InputError:
        """What ffmpeg said, once it has ended."""
        assert self._process is not None
        with suppress(OSError):
            self._pipe.close()
        code = self._process.wait()
        said = (self._path / _MESSAGES).read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), f"exit {code}")
        return InputError(f"{', '.join(self._metrics)}: ffmpeg failed ({last})")
