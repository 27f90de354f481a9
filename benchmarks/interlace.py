"""Which videos are taken for interlaced, which for telecined film, and what looking costs.

    python benchmarks/interlace.py ../shared/data/train_video ../shared/footage
    python benchmarks/interlace.py ../shared/corpus/files --list

Progressive clips are asked as they are, and with fields woven from every two of their frames
(losslessly, in grey, top first and bottom first). The answer should be none, top, bottom. With
--film they are telecined, too (clips that are short to and fro), losslessly and as MPEG-2: the
answer should be film. Beside it stands what must not be taken for that, at the same rate.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

from vsr.core.errors import InputError
from vsr.datasets.media import Plane, list_media, read_luma
from vsr.video.deinterlace import detect
from vsr.video.field_vote import FieldOrder
from vsr.video.open import open_input
from vsr.video.reader import main_video

MOST = 80  # frames of a clip to weave
NTSC = Fraction(30000, 1001)
FFV1 = {"codec": "ffv1", "slices": "4"}
MPEG2 = {"codec": "mpeg2video", "flags": "+ildct+ilme", "qmin": "4", "qmax": "4", "bf": "2"}
COARSE = MPEG2 | {"qmin": "10", "qmax": "10"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", help="clips, or folders of them")
    parser.add_argument("--list", action="store_true", help="each file as it is, nothing woven")
    parser.add_argument("--film", action="store_true", help="telecined, too")
    options = parser.parse_args()
    answers: dict[str, Counter[str]] = {"as they are": Counter()}
    costs = []
    for path in list_media(options.paths):
        try:
            answer, cost = asked(path)
        except InputError as error:
            print(error)
            continue
        if options.list:
            print(f"{path.name:<44} {answer:<20} {cost:6.0f} ms")
        answers["as they are"][answer] += 1
        costs.append(cost)
        frames = [] if options.list else list(islice(read_luma(path), MOST))
        for name, made, codec in kinds(frames, options.film) if len(frames) >= 12 else ():
            answers.setdefault(name, Counter())[asked_coded(made, codec)] += 1
    for name, counts in answers.items():
        print(f"{name:<44}", ", ".join(f"{count} {told}" for told, count in counts.most_common()))
    print(f"{np.median(costs):.0f} ms a file (median), {max(costs):.0f} at most")


def asked(path: Path) -> tuple[str, float]:
    """The answer for a file, and the milliseconds it took."""
    with open_input(path) as container:
        index = main_video(container, path).index
    begun = time.perf_counter()
    found = detect(path, index)
    cost = 1000 * (time.perf_counter() - begun)
    order = found.order.value if found.order else "none"
    return f"film, {order}" if found.film else order, cost


def kinds(
    frames: Sequence[Plane], film: bool
) -> Iterator[tuple[str, Sequence[Plane], dict[str, str]]]:
    """What is made of a clip: its name, the frames, and how they are coded."""
    for order in FieldOrder:
        yield f"woven, {order.value}", woven(frames, order), FFV1
    if not film:
        return
    long = list(frames)
    while len(long) < MOST:
        long += long[-2::-1]
    long = long[:MOST]
    for name, codec in (("", FFV1), (", MPEG-2", MPEG2), (", MPEG-2 coarse", COARSE)):
        for order in FieldOrder:
            yield f"telecined{name}, {order.value}", telecined(long, order), codec
            yield f"long, woven{name}, {order.value}", woven(long, order), codec
        yield f"long{name}", long, codec
        yield f"long, at half the rate{name}", [each for each in long for _ in (0, 1)], codec


def woven(frames: Sequence[Plane], order: FieldOrder) -> list[Plane]:
    return [of_two(*pair, order) for pair in zip(frames[::2], frames[1::2], strict=False)]


def telecined(frames: Sequence[Plane], order: FieldOrder) -> list[Plane]:
    """Of every four frames five, by 3:2 pulldown."""
    fields = [frame for number, frame in enumerate(frames) for _ in range(2 + number % 2)]
    return woven(fields[: len(fields) // 2 * 2], order)


def of_two(early: Plane, late: Plane, order: FieldOrder) -> Plane:
    rows, first = early.copy(), int(order is FieldOrder.TOP)
    rows[first::2] = late[first::2]
    return rows


def asked_coded(frames: Sequence[Plane], codec: dict[str, str]) -> str:
    pix_fmt = "gray" if codec["codec"] == "ffv1" else "yuv420p"
    options = {name: value for name, value in codec.items() if name != "codec"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "coded.mkv")
        with av.open(str(path), "w") as out:
            stream = out.add_stream(codec["codec"], rate=NTSC, options=options)
            stream.height, stream.width = frames[0].shape
            stream.pix_fmt = pix_fmt
            for number, rows in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rows), "gray")
                frame = frame.reformat(format=pix_fmt)
                frame.pts, frame.time_base = number, 1 / NTSC
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return asked(path)[0]


if __name__ == "__main__":
    main()
