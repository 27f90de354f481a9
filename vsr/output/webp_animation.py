"""Write frames to an animated WebP, each shown for as long as its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vsr.core.commit import commit, part_for
from vsr.core.errors import OutputError, writing
from vsr.core.frame import Frame
from vsr.core.threads import behind
from vsr.images.formats import nearest_shape
from vsr.images.metadata import Shape
from vsr.images.planes import to_pixels
from vsr.images.webp_animation import WebpWriter
from vsr.output.image_files import ImageSpec, shown_note
from vsr.output.sink import Output

_QUEUE = 2  # frames that may wait for the encoder


@contextmanager
def create_webp_animation(spec: ImageSpec) -> Iterator[Output]:
    """Write all frames to one file as `spec` says, but for metadata.

    Colours are 8 bits, alpha is kept. The file gets its name when the block has ended well, and
    `before_commit` has seen it; otherwise nothing is left. Raises OutputError in one line.
    """
    target, info = spec.target, spec.info
    channels = 4 if info.format.has_alpha else 3
    shape = nearest_shape(target, Shape(info.width, info.height, channels, spec.depth))
    if spec.depth > shape.depth:
        spec.warn(f"{target.suffix} holds 8 bits per sample; {spec.depth} are rounded to that")
    if info.format.half:
        spec.warn(shown_note(target.suffix, info))
    written, ended = 0, 0
    with part_for(target) as part, writing(target), part.open("wb") as file:
        writer = WebpWriter(file, shape, spec.plays)

        def write(frame: Frame) -> None:
            nonlocal written, ended
            # times are rounded, not lengths, whose errors would add up
            ended = ended if written else round(frame.pts * info.time_base * 1000)
            until = round((frame.pts + frame.duration) * info.time_base * 1000)
            pixels = to_pixels(frame.planes, info.format, shape)
            try:
                writer.write(pixels, until - ended)
            except ValueError as error:
                raise OutputError(f"{target}: {error}") from None
            ended = max(until, ended + 1)
            written += 1

        def before() -> None:
            if spec.before_commit:
                spec.before_commit(part, output)

        output = Output(write, "", spec.others)
        with behind(write, lambda: iter(()), _QUEUE) as hand_over:
            output.write = hand_over
            yield output
        if not written:
            raise OutputError(f"{target}: no frame to write")
        writer.finish()
        file.close()
        commit(part, target, spec.overwrite, before)
