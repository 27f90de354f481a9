"""Which videos are taken for interlaced, and what looking costs.

    python benchmarks/interlace.py ../shared/data/train_video ../shared/footage
    python benchmarks/interlace.py ../shared/corpus/files --list

Progressive clips are asked as they are, and with fields woven from every two of their frames
(losslessly, in grey, top first and bottom first). The answer should be none, top, bottom.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", help="clips, or folders of them")
    parser.add_argument("--list", action="store_true", help="each file as it is, nothing woven")
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
            print(f"{path.name:<44} {answer:<14} {cost:6.0f} ms")
        answers["as they are"][answer] += 1
        costs.append(cost)
        frames = [] if options.list else list(islice(read_luma(path), MOST))
        for order in FieldOrder if len(frames) >= 12 else ():
            told = asked_woven(frames, order)
            answers.setdefault(f"woven, {order.value}", Counter())[told] += 1
    for name, counts in answers.items():
        print(f"{name:<22}", ", ".join(f"{count} {told}" for told, count in counts.most_common()))
    print(f"{np.median(costs):.0f} ms a file (median), {max(costs):.0f} at most")


def asked(path: Path) -> tuple[str, float]:
    """The answer for a file, and the milliseconds it took."""
    with open_input(path) as container:
        index = main_video(container, path).index
    begun = time.perf_counter()
    order = detect(path, index)
    return order.value if order else "none", 1000 * (time.perf_counter() - begun)


def asked_woven(frames: Sequence[Plane], order: FieldOrder) -> str:
    late = int(order is FieldOrder.TOP)  # which of two frames the odd rows are of
    height, width = frames[0].shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "woven.mkv")
        with av.open(str(path), "w") as out:
            stream = out.add_stream("ffv1", rate=25, options={"slices": "4"})
            stream.width, stream.height, stream.pix_fmt = width, height, "gray"
            for pair in zip(frames[::2], frames[1::2], strict=False):
                rows = pair[1 - late].copy()
                rows[1::2] = pair[late][1::2]
                out.mux(stream.encode(av.VideoFrame.from_ndarray(rows, "gray")))
            out.mux(stream.encode(None))
        return asked(path)[0]


if __name__ == "__main__":
    main()
