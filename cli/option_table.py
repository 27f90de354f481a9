"""One table that ties each field of `UpscaleOptions` to its flag: the command line both ways.

`with_options` gives a click command the flags, `options_of` takes what click hands it, `to_argv`
writes options as a command line. `parse(to_argv(options)) == options` for all options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, get_args

import click

from vsr.core.bounds import CRF, SECONDS, SIDE, START_NUMBER, STRENGTH, VIDEO_STREAM
from vsr.core.options import (
    Audio,
    Content,
    Deinterlace,
    OutputFormat,
    Precision,
    Resume,
    UpscaleOptions,
)
from vsr.core.picture import Fit, Resolution

from .param_types import (
    CropType,
    Hours,
    HoursOfDay,
    Number,
    Pixels,
    Rate,
    ScaleType,
    SizeType,
    Strength,
    Threads,
    Tile,
    Time,
)
from .renamed_option import RenamedOption

_DEFAULTS = UpscaleOptions()


@dataclass(frozen=True)
class Row:
    """One option.

    Attributes:
        field: where it stands in UpscaleOptions, with dots.
        flag: its name on the command line; "--no-..." for a switch that is on by default.
        help: one line.
        type: click's type; None for a switch.
        short: a letter with its dash, or "".
        metavar: what stands for its value in the help.
        old: an earlier name that still works, see `RenamedOption`.
        shows_default: whether the help shows the default.
        for_preview: whether it means something for a few seconds of a video.
    """

    field: str
    flag: str
    help: str
    type: click.ParamType[Any] | None = None
    short: str = ""
    metavar: str | None = None
    old: str = ""
    shows_default: bool = False
    for_preview: bool = True

    @property
    def name(self) -> str:
        """By which click hands its value over."""
        return self.field.replace(".", "_")

    @property
    def default(self) -> Any:
        """The value of options that nobody set."""
        return _value(_DEFAULTS, self.field)


ROWS: tuple[Row, ...] = (
    Row(
        "model",
        "--model",
        "See `vsr models`; or a file: .safetensors, .pth, .ckpt, .onnx.",
        click.STRING,
        "-m",
        "NAME|FILE",
        for_preview=False,
    ),
    Row(
        "picture.scale",
        "--scale",
        "Factor for both sides, 1 to 16, such as 2, 2.25 or 7/3; 1 restores without enlarging.  "
        "[default: that of a model file, else 4, unless a size is given]",
        ScaleType(),
        "-s",
        "FACTOR",
    ),
    Row("picture.width", "--width", "Columns of OUTPUT.", Number(SIDE), metavar="N"),
    Row("picture.height", "--height", "Rows of OUTPUT.", Number(SIDE), metavar="N"),
    Row("picture.size", "--size", "Both.", SizeType(), metavar="WIDTHxHEIGHT"),
    Row(
        "picture.to",
        "--to",
        "A size by its name; on its side for a picture that is.",
        click.Choice(get_args(Resolution)),
    ),
    Row(
        "picture.fit",
        "--fit",
        "With both sides: keep the shape inside them, fill them and cut, stretch, or add borders.",
        click.Choice(get_args(Fit)),
        shows_default=True,
    ),
    Row("picture.square_pixels", "--square-pixels", "Make the pixels of anamorphic video square."),
    Row(
        "content",
        "--content",
        "Without --model: take the source for clean, or for noisy or compressed footage.",
        click.Choice(get_args(Content)),
        old="--for",
        shows_default=True,
    ),
    Row(
        "denoise",
        "--denoise",
        "Noise and coding to remove, for recurrent models; auto: as much as there is.",
        Strength(),
        metavar="auto|0..100",
        shows_default=True,
    ),
    Row(
        "compute.device",
        "--device",
        "auto, cpu, cuda, cuda:N, mps, xpu, xpu:N, igpu, or several GPUs: cuda:0,cuda:1.",
        click.STRING,
        "-d",
        shows_default=True,
    ),
    Row(
        "compute.precision",
        "--precision",
        "Of the network's numbers.",
        click.Choice(get_args(Precision)),
        shows_default=True,
    ),
    Row("read.start", "--start", "Begin here: seconds or HH:MM:SS.mmm.", Time(), for_preview=False),
    Row("read.end", "--end", "Stop before this time.", Time(), for_preview=False),
    Row(
        "read.crop",
        "--crop",
        "Take this part of the picture: pixels as shown, or percent: 25%,25%,50%,50%.",
        CropType(),
        metavar="X,Y,W,H",
    ),
    Row(
        "read.video_stream",
        "--video-stream",
        "Which of several videos to take, from 0, cover art not counted; "
        "else the default one, then the largest.",
        Number(VIDEO_STREAM),
        metavar="N",
    ),
    Row(
        "encode.codec", "--codec", "h264, hevc, av1, ffv1 or an encoder's name.", click.STRING, "-c"
    ),
    Row("encode.crf", "--crf", "Constant rate factor; lower is better and larger.", Number(CRF)),
    Row("encode.preset", "--preset", "The encoder's pace, such as veryfast or slow.", click.STRING),
    Row("encode.pix_fmt", "--pix-fmt", "Pixel format; the source's if left out.", click.STRING),
    Row(
        "encode.output_format",
        "--output-format",
        "What goes into a pipe; auto: what its suffix says, or y4m.",
        click.Choice(get_args(OutputFormat)),
        shows_default=True,
        for_preview=False,
    ),
    Row(
        "streams.audio",
        "--audio",
        "Copy; or encode what OUTPUT cannot hold, and only that; or leave out.",
        click.Choice(get_args(Audio)),
        shows_default=True,
    ),
    Row("streams.subtitles", "--no-subs", "Leave the subtitles out."),
    Row("streams.other_videos", "--no-other-videos", "Leave out videos that are not enlarged."),
    Row(
        "compute.tile",
        "--tile",
        "Work in tiles of N pixels a side, so that frames fit the memory; 0: whole frames.",
        Tile(),
        metavar="auto|0|N",
        shows_default=True,
    ),
    Row(
        "compute.threads",
        "--threads",
        "CPU cores to use, or a part of them; 0: all.",
        Threads(),
        metavar="N|0.5|50%",
    ),
    Row("compute.self_ensemble", "--self-ensemble", "Mean of 8 flips and turns: 8 times the work."),
    Row(
        "compute.strength",
        "--strength",
        "How much of the network's detail over bicubic to keep.",
        Number(STRENGTH),
        metavar="0..100",
        shows_default=True,
        for_preview=False,
    ),
    Row("compute.compiled", "--compile", "Let torch.compile make the kernels."),
    Row("read.hwaccel", "--hwaccel", "Decode on the GPU, where its driver can."),
    Row(
        "read.deinterlace",
        "--deinterlace",
        "Deinterlace where the first frames tell so (auto), each frame (on), each field, telecined "
        "film (ivtc), or never.",
        click.Choice(get_args(Deinterlace)),
        shows_default=True,
    ),
    Row("read.stills", "--stills", "Take each image of a folder by itself.", for_preview=False),
    Row(
        "read.rate",
        "--rate",
        "Frames a second, from images to video; 25 if left out.",
        Rate(),
        for_preview=False,
    ),
    Row(
        "read.start_number",
        "--start-number",
        "First number of images such as f_%04d.png: of OUTPUT where it is such a pattern, else of "
        "INPUT.",
        Number(START_NUMBER),
        metavar="N",
        for_preview=False,
    ),
    Row(
        "read.limits.pixels",
        "--max-pixels",
        "Refuse an INPUT with larger pictures; M is millions.",
        Pixels(),
        metavar="N[M]",
        shows_default=True,
    ),
    Row(
        "read.limits.seconds",
        "--max-hours",
        "Refuse an INPUT whose header says it lasts longer.",
        Hours(),
        metavar="N",
        shows_default=True,
    ),
    Row("read.strict", "--strict", "Treat any damage to INPUT as an error."),
    Row(
        "read.stall_timeout",
        "--stall-timeout",
        "Fail when INPUT has given nothing for so many seconds; for an address 15 at most.",
        Number(SECONDS),
        old="--stall",
        shows_default=True,
    ),
    Row(
        "run.verify",
        "--verify",
        "Decode the finished video again, check every frame.",
        for_preview=False,
    ),
    Row(
        "run.keep_date",
        "--keep-date",
        "Give OUTPUT the modification time of INPUT.",
        for_preview=False,
    ),
    Row(
        "run.resume",
        "--resume",
        "Work in segments that outlast a crash; auto: where the work is long.",
        click.Choice(get_args(Resume)),
        shows_default=True,
        for_preview=False,
    ),
    Row(
        "run.between",
        "--between",
        "Work in these hours of the day alone, such as 22:00-06:00; rest between two segments.",
        HoursOfDay(),
        metavar="HH:MM-HH:MM",
        for_preview=False,
    ),
    Row(
        "run.cluster",
        "--cluster",
        "Share the segments among the machines of a Ray cluster.",
        click.STRING,
        metavar="auto|ADDRESS",
        for_preview=False,
    ),
    Row("run.overwrite", "--overwrite", "Replace OUTPUT if it exists.", short="-y"),
)
_RECORD = Row(
    "run.record",
    "--record",
    "Write what was done to OUTPUT.record.json, and in short into OUTPUT.",
    for_preview=False,
)


def with_options(
    command: Callable[..., Any], *, preview: bool = False, record: bool | None = None
) -> Callable[..., Any]:
    """Give a click command the flags of ROWS; `options_of` takes what it gets by them.

    With `preview` those alone that mean something for a few seconds; `record` is the default of
    --record, None for a command without it.
    """
    decorators: list[Callable[[Any], Any]] = []
    for row in ROWS:
        if row.for_preview or not preview:
            decorators.append(_click_option(row))
        if row.field == "streams.audio":
            decorators.append(
                click.option("--no-audio", is_flag=True, help="Leave the audio out: --audio none.")
            )
        if row.field == "read.end" and not preview:
            decorators.append(
                click.option("--duration", type=Time(), help="Take this much; not with --end.")
            )
    if record is not None:
        decorators.append(
            click.option(
                "--record/--no-record",
                _RECORD.name,
                default=record,
                show_default=True,
                help=_RECORD.help,
            )
        )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def _click_option(row: Row) -> Callable[[Any], Any]:
    names = [row.flag, row.name, *([row.short] if row.short else [])]
    if row.type is None:
        return click.option(*names, is_flag=True, default=False, help=row.help)
    default = f"  [default: {text_of(row, row.default)}]" if row.shows_default else ""
    renamed: dict[str, Any] = {"cls": RenamedOption, "old": row.old} if row.old else {}
    return click.option(
        *names, type=row.type, default=None, metavar=row.metavar, help=row.help + default, **renamed
    )


def options_of(given: Mapping[str, Any]) -> UpscaleOptions:
    """The options that click's values stand for. Raises UsageError where two exclude each other."""
    options = UpscaleOptions()
    for row in (*ROWS, _RECORD):
        value = given.get(row.name)
        if value is None or (row.type is None and row is not _RECORD and not value):
            continue
        options = _with(options, row, not value if row.flag.startswith("--no-") else value)
    return _with_shorthands(options, given)


def _with_shorthands(options: UpscaleOptions, given: Mapping[str, Any]) -> UpscaleOptions:
    """--no-audio and --duration, which stand for other options."""
    if given.get("no_audio"):
        if given.get("streams_audio") not in (None, "none"):
            raise click.UsageError("--no-audio and --audio exclude each other")
        options = options.but(audio="none")
    duration = given.get("duration")
    if duration is not None:
        if options.read.end is not None:
            raise click.UsageError("--end and --duration exclude each other")
        options = options.but(end=(options.read.start or Fraction(0)) + duration)
    return options


def to_argv(options: UpscaleOptions) -> list[str]:
    """The shortest command line for options: what differs from the defaults."""
    words: list[str] = []
    for row in (*ROWS, _RECORD):
        value = _value(options, row.field)
        if value == row.default:
            continue
        words.append(row.flag)
        if row.type is not None:
            words.append(text_of(row, value))
    return words


def parse(argv: Sequence[str]) -> UpscaleOptions:
    """The options of a command line without its INPUT and OUTPUT. Raises click's UsageError."""
    command = click.command("options")(with_options(lambda **given: given, record=False))
    context = command.make_context("options", list(argv))
    return options_of(context.params)


def text_of(row: Row, value: Any) -> str:
    """A value as the row's type reads it."""
    if isinstance(row.type, Hours):
        return str(Fraction(value, 3600))
    if value is None:
        return "auto"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _value(options: UpscaleOptions, field: str) -> Any:
    value: Any = options
    for name in field.split("."):
        value = getattr(value, name)
    return value


def _with(value: Any, row: Row, new: Any) -> Any:
    """A copy of options with one field set."""
    return _replaced(value, row.field.split("."), new)


def _replaced(value: Any, names: list[str], new: Any) -> Any:
    first, *deeper = names
    inner = _replaced(getattr(value, first), deeper, new) if deeper else new
    return replace(value, **{first: inner})
