"""Go through the enlarged frames of a video, with their exact times, without writing a file.

python examples/frames.py IN.mp4
"""

import sys

import vsr


def main(source: str) -> None:
    up = vsr.Upscaler("espcn", scale=2)
    for frame in up.frames(vsr.open_video(source, end=0.4)):
        height, width, _ = frame.image.shape  # RGB
        print(f"{frame.seconds:.3f} s: {width}x{height}, mean {frame.image.mean():.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
