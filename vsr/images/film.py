"""OpenEXR, DPX and JPEG XL, as OpenImageIO reads them, and the first two as it writes them.

It is an extra, `stills`, and imported once such a file is met.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vsr.core.color_codes import Primaries, Transfer
from vsr.core.errors import InputError, OutputError, VsrError
from vsr.core.frame import Pixels
from vsr.core.half import MOST_LIGHT
from vsr.images.film_header import Attribute, FilmHeader, Window, packed, unpacked
from vsr.images.metadata import Header, Metadata, Shape
from vsr.util.text import one_line

EXR, DPX, JXL = "openexr", "dpx", "jpegxl"
_MARKS = {
    b"\x76\x2f\x31\x01": EXR,
    b"SDPX": DPX,
    b"XPDS": DPX,
    b"\xff\x0a": JXL,
    b"\0\0\0\x0cJXL \r\n\x87\n": JXL,
}
_NAMES = {EXR: "OpenEXR", DPX: "DPX", JXL: "JPEG XL"}
WRITTEN = {".exr": EXR, ".dpx": DPX}
"""The formats that are written, by suffix."""

_COLOURS = ("R", "G", "B")
# What is true of the old file alone, or is told in another way.
_OLD = ("oiio:", "ICCProfile", "CICP", "Orientation", "Software", "DateTime", "Exif:", "GPS:")
_KEPT = ("oiio:BitsPerSample", "oiio:ColorSpace")
_EXIF = ("Exif:", "GPS:", "Make", "Model")
_CODE = re.compile(r"EXR Error \(.*\): EXR_ERR_\w+ ")
_SRGB = [bytes([primaries, Transfer.SRGB]) for primaries in (0, Primaries.BT709)]  # 0 is grey


def film_kind(data: bytes) -> str:
    """EXR, DPX or JXL by a file's beginning; "" for all else."""
    return next((kind for mark, kind in _MARKS.items() if data.startswith(mark)), "")


def read_film(path: Path, kind: str) -> Header:
    """What such a file says beside its pixels. Raises InputError, or ValueError with a reason."""
    source = _opened(path, kind)
    spec = source.spec()
    channels, others = _channels(spec, kind)
    canvas, window = _windows(spec)
    half = spec.format.basetype in _floats()
    depth = 8 if str(spec.format) == "uint8" else 16
    width, height = (canvas.width, canvas.height) if half else (spec.width, spec.height)
    shape = Shape(width, height, len(channels), depth, half)
    metadata = _metadata(spec, kind, canvas, window)
    orientation = int(spec.get_int_attribute("Orientation", 1)) if kind == DPX else 1
    names = [attribute.name for attribute in spec.extra_attribs]
    lost = [f"channels {', '.join(others)}"] if others else []
    if kind == JXL and any(name.startswith(_EXIF) for name in names):
        lost.append("EXIF")
    return Header(
        b"",
        metadata,
        shape.turned(orientation),
        orientation=orientation,
        several=kind == EXR and spec.get_int_attribute("oiio:subimages", 1) > 1,
        lost=tuple(lost),
        kind=kind,
    )


@dataclass(frozen=True)
class Decoded:
    """Pixels, not turned yet, and what became of them, named for people."""

    pixels: Pixels
    notes: tuple[str, ...] = ()


def decode_film(path: Path, kind: str) -> Decoded:
    """The pixels of such a file. Raises InputError."""
    source = _opened(path, kind)
    spec = source.spec()
    channels, _ = _channels(spec, kind)
    wanted = "half" if str(spec.format) == "half" else "float"
    if spec.format.basetype not in _floats():
        wanted = "uint8" if str(spec.format) == "uint8" else "uint16"
    first, last = min(channels), max(channels) + 1
    read: Any = source.read_image(0, 0, first, last, wanted)
    if read is None:
        raise InputError(f"{path}: cannot be read as an image: {_said(source.geterror())}")
    picture: NDArray[Any] = read.reshape(spec.height, spec.width, last - first)
    order = [channel - first for channel in channels]
    if len(order) > 2:
        order[:3] = order[2::-1]
    picture = picture[..., order]
    if wanted in ("half", "float"):
        return as_light(_on_canvas(picture, spec))
    return Decoded(np.ascontiguousarray(picture[..., 0] if len(order) == 1 else picture))


def as_light(picture: NDArray[Any]) -> Decoded:
    """Floats (H, W), (H, W, 1), (H, W, 3 or 4) as half floats (H, W), (H, W, 3 or 4)."""
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[..., 0]
    light, notes = picture, []
    if not np.isfinite(light).all():
        light = np.nan_to_num(light, nan=0, posinf=MOST_LIGHT, neginf=-MOST_LIGHT)
        notes.append("infinities and what is no number: taken for the largest half float and for 0")
    if light.dtype != np.float16:
        clipped = light.clip(-MOST_LIGHT, MOST_LIGHT)
        if (clipped != light).any():
            notes.append(f"light over {MOST_LIGHT:g}: clipped to that")
        light = clipped
    return Decoded(np.ascontiguousarray(light.astype(np.float16)), tuple(notes))


def encode_film(pixels: Pixels, target: Path, metadata: Metadata) -> bytes:
    """The bytes of an EXR of float16 pixels, or a DPX of whole numbers. Raises OutputError."""
    kind = WRITTEN[target.suffix.lower()]
    library = _library(target, kind, OutputError)
    height, width = pixels.shape[:2]
    picture = pixels.reshape(height, width, -1)
    channels = picture.shape[2]
    if channels > 2:
        picture = picture[..., [2, 1, 0, 3][:channels]]
    names = {np.dtype(np.uint8): "uint8", np.dtype(np.uint16): "uint16"}
    spec = library.ImageSpec(width, height, channels, names.get(pixels.dtype, "half"))
    if channels == 1:
        spec.channelnames = ("Y",)
    elif channels == 4:
        spec.alpha_channel = 3
    if kind == EXR:
        spec.attribute("compression", "zip")
    if metadata.film:
        _tell(library, spec, unpacked(metadata.film), kind)
    with tempfile.TemporaryDirectory() as folder:  # it writes to files alone
        file = Path(folder) / f"image{target.suffix.lower()}"
        output = library.ImageOutput.create(str(file))
        done = output is not None and output.open(str(file), spec)
        done = done and output.write_image(np.ascontiguousarray(picture)) and output.close()
        if not done:
            why = output.geterror() if output is not None else library.geterror()
            raise OutputError(f"{target}: cannot be encoded ({one_line(why, 200)})")
        return file.read_bytes()


def _tell(library: Any, spec: Any, film: FilmHeader, kind: str) -> None:
    """Give a file what the one it is made of says, its windows in the same proportion."""
    for attribute in film.attributes:
        if film.kind == kind:
            value = attribute.value
            value = tuple(value) if isinstance(value, list) else value
            spec.attribute(attribute.name, library.TypeDesc(attribute.type), value)
    canvas, window = film.canvas, film.window
    if film.kind != EXR or kind != EXR or canvas == window:
        return
    if spec.width * canvas.height != spec.height * canvas.width:
        return  # a part of the picture has windows of its own
    factor = spec.width / canvas.width
    spec.x, spec.y = round(canvas.x * factor), round(canvas.y * factor)
    spec.full_x, spec.full_y = round(window.x * factor), round(window.y * factor)
    spec.full_width, spec.full_height = round(window.width * factor), round(window.height * factor)


def check_film(target: Path) -> None:
    """Raise OutputError where files of a name cannot be written here."""
    if kind := WRITTEN.get(target.suffix.lower()):
        _library(target, kind, OutputError)


def _library(path: Path, kind: str, error: type[VsrError]) -> Any:
    try:
        return import_module("OpenImageIO")
    except ImportError:
        raise error(
            f"{path}: {_NAMES[kind]} needs OpenImageIO: pip install 'vsr-video[stills]'"
        ) from None


def _opened(path: Path, kind: str) -> Any:
    library = _library(path, kind, InputError)
    config = library.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    reader = library.ImageInput.open(str(path), config)
    if reader is None:
        raise InputError(f"{path}: cannot be read as an image: {_said(library.geterror())}")
    return reader


def _said(words: str) -> str:
    """What the library says first, without its codes and the file's name."""
    first = next(iter(words.strip().splitlines()), "")
    return one_line(_CODE.sub("", first), 200)


def _floats() -> tuple[Any, ...]:
    library = import_module("OpenImageIO")
    return library.HALF, library.FLOAT, library.DOUBLE


def _channels(spec: Any, kind: str) -> tuple[list[int], list[str]]:
    """The numbers of the channels that are read, and the names of the others."""
    names = list(spec.channelnames)
    if spec.deep:
        raise ValueError("it is a deep image; flatten it first")
    is_float = spec.format.basetype in _floats()
    if is_float and kind == DPX:
        raise ValueError("a DPX of floats; convert it to .exr first")
    if is_float and kind == JXL and not spec["oiio:ColorSpace"].startswith("lin_"):
        raise ValueError("a JPEG XL of floats that are not linear light; convert it first")
    if not is_float and kind == EXR:
        raise ValueError("an EXR of whole numbers, which are no picture")
    if kind != EXR:
        if spec.nchannels not in (1, 3, 4):
            raise ValueError(f"{spec.nchannels} channels, where 1, 3 or 4 can be read")
        return list(range(spec.nchannels)), []
    wanted = [*_COLOURS, "A"] if "A" in names else list(_COLOURS)
    if "RY" not in names and "R" not in names and "Y" in names:
        wanted = ["Y"]
    if not set(wanted) <= set(names):
        raise ValueError(
            f"it has no channels R, G and B, but {', '.join(names)}; choose a layer with oiiotool"
        )
    return [names.index(name) for name in wanted], [name for name in names if name not in wanted]


def _windows(spec: Any) -> tuple[Window, Window]:
    """What is read, which holds the data and what is to be shown; and what is to be shown."""
    window = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    left, top = min(spec.x, window.x), min(spec.y, window.y)
    right = max(spec.x + spec.width, window.x + window.width)
    bottom = max(spec.y + spec.height, window.y + window.height)
    return Window(left, top, right - left, bottom - top), window


def _on_canvas(picture: NDArray[Any], spec: Any) -> NDArray[Any]:
    """A picture where it lies on what is to be shown; around it is nothing."""
    canvas, _ = _windows(spec)
    if (canvas.width, canvas.height) == (spec.width, spec.height):
        return picture
    whole = np.zeros((canvas.height, canvas.width, picture.shape[2]), picture.dtype)
    y, x = spec.y - canvas.y, spec.x - canvas.x
    whole[y : y + spec.height, x : x + spec.width] = picture
    return whole


def _metadata(spec: Any, kind: str, canvas: Window, window: Window) -> Metadata:
    if kind == JXL:
        profile: Any = spec.getattribute("ICCProfile")
        cicp = bytes(spec.getattribute("CICP") or ())
        if cicp[:2] in _SRGB or spec.format.basetype in _floats():
            return Metadata()
        icc = b"" if profile is None else bytes(np.asarray(profile, np.uint8))
        return Metadata(icc=icc, cicp=cicp)
    attributes = []
    for found in spec.extra_attribs:
        kept = kind == DPX and found.name in _KEPT
        if found.name.startswith(_OLD) and not kept:
            continue
        with suppress(RuntimeError):  # of text in no encoding that is known
            if isinstance(found.value, int | float | str | tuple):
                attributes.append(Attribute(found.name, str(found.type), found.value))
    return Metadata(film=packed(FilmHeader(kind, tuple(attributes), canvas, window)))
