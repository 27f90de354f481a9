"""One options value for several files, with what differs between them.

python examples/options.py OUT_FOLDER IN.mp4...
"""

import sys
from pathlib import Path

import vsr


def main(folder: str, *sources: str) -> None:
    options = vsr.UpscaleOptions.of(scale=2, model="espcn", preset="veryfast", end=0.2)
    for source in map(Path, sources):
        video = vsr.probe(source).video
        chosen = options.but(tile=256) if video.width > 1920 else options
        target = Path(folder, f"{source.stem}_x2.mp4")
        result = vsr.upscale(source, target, chosen.but(overwrite=True))
        print(f"{target.name}: {result.frames_out} frames at {result.fps:.1f} a second")


if __name__ == "__main__":
    main(*sys.argv[1:])
