"""`vsr.preview`: see a few seconds before the whole video is enlarged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from vsr.core.crop import CropRegion
from vsr.core.errors import InputError, ModelError, OutputError
from vsr.core.events import Progress, Warn, ignore
from vsr.core.folders import temporary_folder
from vsr.core.job import Job
from vsr.core.limits import Limits
from vsr.core.option_checks import seconds
from vsr.core.options import ComputeOptions, ReadOptions, RunOptions, UpscaleOptions
from vsr.core.paths import as_path, place_of, quoted
from vsr.core.picture import Size
from vsr.core.span import Span
from vsr.core.url import Url, as_source
from vsr.images.animated import is_still
from vsr.inference.passes import usual_scale
from vsr.model_selection.own_scale import at_own_scale
from vsr.model_selection.select import choose_model
from vsr.output.image_files import check_empty, names_folder
from vsr.pipeline.checks import check_paths
from vsr.pipeline.factor import factor_of
from vsr.pipeline.numbered import target_pattern
from vsr.previews.browser_mp4 import for_browsers
from vsr.previews.contact_sheet import write_frames, write_sheet
from vsr.previews.html_page import Facts, Shown, write_page
from vsr.previews.make_variants import WHOLE, Made, make_takes, of_take
from vsr.previews.pick_moment import Moment, telling
from vsr.previews.side_by_side import HOW, write_beside
from vsr.remux.containers import formats_for
from vsr.util.text import clock_text, size_text
from vsr.video.reader import open_video

VIDEOS = (".mp4", ".mkv", ".mov")
SUFFIXES = (".html", *VIDEOS, ".png")
"""What a preview may be, besides a folder of frames."""

CommandOf: TypeAlias = Callable[[Path, Path, UpscaleOptions], str]
"""How people are told to do the whole video: source, target and options as one line."""


@dataclass(frozen=True)
class Preview:
    """What was shown, in `target`.

    Attributes:
        source, target: the video and the preview.
        moment: where the seconds begin, and why there.
        made: the takes, the baseline first.
        commands: for each take, the line that does the whole video.
        chosen: what the video was taken for, and so the model chosen, in one line; "" where
            models were named.
        warnings: all that was said on the way, each once.
    """

    source: Path
    target: Path
    moment: Moment
    made: tuple[Made, ...]
    commands: tuple[str, ...]
    chosen: str = ""
    warnings: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """All of it as plain numbers and strings, for JSON."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "start": float(self.moment.start),
            "why": self.moment.why,
            "chosen": self.chosen,
            "warnings": list(self.warnings),
            "takes": [
                {
                    "model": made.model,
                    "baseline": made.take.is_baseline,
                    "frames": made.piece.result.frames_out,
                    "fps": round(made.piece.rate.frames / made.piece.rate.seconds, 3),
                    "device": made.piece.result.device,
                    "precision": made.piece.result.precision,
                    "whole_frames": made.estimate.frames,
                    "whole_seconds": made.estimate.seconds,
                    "whole_bytes": made.estimate.bytes,
                    "doubt": round(made.doubt, 3),
                    "command": command,
                }
                for made, command in zip(self.made, self.commands, strict=True)
            ],
        }


def preview(
    source: str | Path,
    target: str | Path,
    options: UpscaleOptions | None = None,
    *,
    models: Sequence[str] = (),
    strengths: Sequence[float] = (),
    baseline: str = "bicubic",
    start: float | Fraction | None = None,
    duration: float | Fraction = Fraction(3),
    how: str = "beside",
    overwrite: bool = False,
    begun: Callable[[str], None] | None = None,
    warn: Callable[[str], None] | None = None,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    command_of: CommandOf | None = None,
    **keywords: object,
) -> Preview:
    """Enlarge a few seconds by each model, and show them beside the `baseline`.

    Args:
        source: a video file or a GIF.
        target: a page (.html), a video of all takes (.mp4, .mkv, .mov), a picture of one frame
            (.png), or a folder of one frame of each take.
        options: for the job on the whole video; their model and span are not used.
        models: names or files; the default model for the content if there is none.
        strengths: how much of the models' detail to keep, 0 to 100: a take of each model for each;
            the options' own if there is none.
        baseline: the model that stands for what a player would have done anyway.
        start: where to begin, in seconds; a telling moment if left out.
        duration: how many seconds to show.
        how: "beside" or "split", for videos.
        overwrite: replace an existing target.
        begun: told of each model as its turn comes.
        warn: called with each warning, once; all are in what is returned too.
        tell: called with what the video was taken for, where that was analysed.
        progress: called after each frame, with those of all takes so far.
        command_of: writes the line that does the whole video; a call of `vsr.upscale` if left out.
        keywords: single options by their names, as in `vsr.upscale`; `model` stands for `models`.

    Raises VsrError, in one line, and TypeError for an argument of another kind.
    """
    options = UpscaleOptions.given(options, keywords).but(start=None, end=None)
    source, target = _file(source), place_of(as_path(target, "target", OutputError))
    models = _names(models) or ([options.model] if options.model else [])
    (baseline,) = _names([baseline], "baseline")
    strengths = _strengths(strengths) or [options.compute.strength]
    start, duration = _times(start, duration)
    if how not in HOW:
        raise OutputError(f"how {quoted(how)}: must be one of {', '.join(HOW)}")
    _ = RunOptions(overwrite=overwrite)  # checks it
    _check(source, target, overwrite)
    said = _Said(warn or ignore)
    command_of = command_of or python_call
    options = at_own_scale(options.but(model=next(iter(models), None)), models)
    scale = usual_scale(factor_of(source, options))
    choice = choose_model(source, options, scale)
    if tell and choice.said:
        tell(choice.said)
    options = choice.of(options)
    reading = ReadOptions(video_stream=options.read.video_stream)
    wanted = None if start is None else Moment(start, "as asked for")
    moment = wanted or telling(source, duration, reading)
    span = Span(moment.start, moment.start + duration)
    job = Job(source, _large(source, options.picture.label), options)
    lossless = names_folder(target) or target.suffix.lower() == ".png"
    with temporary_folder("vsr-preview-") as folder:
        takes = [(model, each) for model in models or [choice.model] for each in strengths]
        compared = [(baseline, WHOLE), *takes]
        made = make_takes(
            job,
            compared,
            span,
            Path(folder),
            lossless,
            begun or ignore,
            said.warn,
            progress or ignore,
        )
        asked = (of_take(options, one.model, one.strength) for one in made)
        commands = tuple(command_of(source, job.target, each) for each in asked)
        result = Preview(source, target, moment, tuple(made), commands, choice.said)
        _draw(result, span, reading, how, overwrite, said.warn)
    return replace(result, warnings=tuple(said.warnings))


@dataclass(frozen=True)
class _Said:
    """Warnings of several runs on the same seconds, each told once.

    Attributes:
        told: who hears of them, if anyone.
        warnings: all of them so far.
    """

    told: Callable[[str], None] | None
    warnings: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        if message in self.warnings:
            return
        self.warnings.append(message)
        if self.told:
            self.told(message)


def _names(models: object, name: str = "models") -> list[str]:
    """The names and files of models that were given as the argument `name`."""
    if isinstance(models, str | bytes | Path) or not isinstance(models, Iterable):
        raise TypeError(f"{name} {quoted(models)}: must be several, such as ['espcn', 'vespcn']")
    found = list(models)
    for one in found:
        if not isinstance(one, str | Path):
            raise TypeError(f"{name} {quoted(one)}: must be a model's name, or a file")
        if one == "":
            raise ModelError(f"{name} '': must be a name or a file")
    return [str(one) for one in found]


def _strengths(strengths: object) -> list[float]:
    """Numbers of 0 to 100. Raises TypeError, or DeviceError for one out of range."""
    if isinstance(strengths, str | bytes) or not isinstance(strengths, Iterable):
        raise TypeError(f"strengths {quoted(strengths)}: must be several, such as [50, 100]")
    return [ComputeOptions(strength=one).strength for one in strengths]


def _times(
    start: float | Fraction | None, duration: float | Fraction
) -> tuple[Fraction | None, Fraction]:
    """Where to begin and how much to show, in exact seconds. Raises InputError."""
    begin, length = seconds("start", start), seconds("duration", duration)
    if length is None:
        raise InputError("duration None: must be a number")
    if length <= 0:
        raise InputError(f"duration {float(length):g} s: must be above 0")
    _ = Span(begin)  # checks it
    return begin, length


def _file(source: str | Path) -> Path:
    """The path that a source is. Raises InputError for an address."""
    given = as_source(source)
    if isinstance(given, Url) and not given.is_pipe:
        raise InputError(f"{given}: a preview is of a video file, not of an address")
    return as_path(source, "source")


def _check(source: Path, target: Path, overwrite: bool) -> None:
    check_paths(source, target, overwrite)
    if target_pattern(source, target):
        raise OutputError(f"{target}: a preview is one file; name it without a number")
    if source.is_dir() or is_still(source):
        raise InputError(f"{source}: a preview is of a video file")
    if not names_folder(target) and target.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{target}: a preview is {', '.join(SUFFIXES)} or a folder")
    if names_folder(target) and not overwrite:  # before the work: of several models it is long
        check_empty(target)


def _draw(
    shown: Preview, span: Span, reading: ReadOptions, how: str, overwrite: bool, warn: Warn
) -> None:
    target, takes = shown.target, [made.take for made in shown.made]
    if names_folder(target):
        write_frames(target, takes, overwrite=overwrite)
    elif target.suffix.lower() == ".png":
        write_sheet(target, takes, overwrite=overwrite)
    elif target.suffix.lower() in VIDEOS:
        write_beside(
            target, takes, shown.source, span, how, warn, reading=reading, overwrite=overwrite
        )
    else:
        _write_page(shown, span, reading, overwrite)


def _write_page(shown: Preview, span: Span, reading: ReadOptions, overwrite: bool) -> None:
    run = shown.made[0].piece.result
    with open_video(shown.made[0].take.file, Span(), ignore) as video:
        info = video.info
    with open_video(shown.source, span, ignore, reading) as video:
        small = video.info
    length = span.length(None) or Fraction(0)
    rows = (
        ("Source", str(shown.source)),
        ("Shown", f"{float(length):g} s from {clock_text(shown.moment.start)} on"),
        ("Why there", shown.moment.why),
        ("Picture", f"{small.width}x{small.height} to {info.width}x{info.height}"),
        ("Computed on", f"{run.device} ({run.precision})"),
        ("Encoder", ", ".join([run.encoder, *(f"{k} {v}" for k, v in run.run.encoding.items())])),
    )
    takes = [
        Shown(
            made.take.label,
            for_browsers(made.take.file),
            made.take.is_baseline,
            _rows(made),
            "" if made.take.is_baseline else command,
        )
        for made, command in zip(shown.made, shown.commands, strict=True)
    ]
    facts = Facts(shown.source.name, rows, shown.commands[-1])
    width, height = info.orientation.pair(info.width, info.height)  # as browsers turn the picture
    write_page(shown.target, facts, takes, width, height, info.frame_rate, overwrite)


def _rows(made: Made) -> tuple[tuple[str, str], ...]:
    """What one take has told."""
    rate, estimate = made.piece.rate, made.estimate
    rows = [("Speed", f"{rate.frames / rate.seconds:.1f} frames a second, measured here")]
    if estimate.seconds is not None and estimate.bytes is not None:
        share = f"give or take {made.doubt:.0%}"
        rows.append(("Whole video", f"about {clock_text(round(estimate.seconds))}, {share}"))
        size = f"about {size_text(estimate.bytes)}"
        rows.append(("Size", f"{size}, if all of it is like these seconds"))
    return tuple(rows)


def _large(source: Path, label: str) -> Path:
    """What the whole video would be called."""
    name = source.with_name(f"{source.stem}_{label}{source.suffix}")
    try:
        formats_for(name)
    except OutputError:
        return name.with_suffix(".mkv")
    return name


def python_call(source: Path, target: Path, options: UpscaleOptions) -> str:
    """The call of `vsr.upscale` with these options, but for the defaults."""
    usual, asked = UpscaleOptions().flat(), options.flat()
    words = [repr(str(source)), repr(str(target))]
    words += [f"{name}={_written(value)}" for name, value in asked.items() if value != usual[name]]
    return f"vsr.upscale({', '.join(words)})"


def _written(value: object) -> str:
    """A value as it may stand in Python."""
    if isinstance(value, CropRegion | Size):
        return repr(str(value))
    if isinstance(value, Fraction):  # floats are taken for the fractions they stand for
        return str(value).replace("/", " / ")
    return f"vsr.{value!r}" if isinstance(value, Limits) else repr(value)
