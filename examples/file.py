"""Enlarge a part of a video file, keep its audio, and follow the progress.

python examples/file.py IN.mp4 OUT.mp4
"""

import sys

import vsr


def main(source: str, target: str) -> None:
    result = vsr.upscale(
        source,
        target,
        scale=2,
        model="espcn",
        end=0.4,
        preset="veryfast",
        overwrite=True,
        progress=lambda now: print(f"\r{now.frames} of {now.expected} frames", end=""),
        warn=lambda message: print(f"\nwarning: {message}"),
    )
    print(f"\n{result.frames_out} frames by {result.model}, copied: {', '.join(result.copied)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
