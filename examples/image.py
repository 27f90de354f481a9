"""Enlarge one image, as an array.

python examples/image.py IN.png OUT.png
"""

import sys

import cv2

import vsr


def main(source: str, target: str) -> None:
    up = vsr.Upscaler("espcn", scale=2)
    bgr = cv2.imread(source)
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    large = up(rgb)
    cv2.imwrite(target, cv2.cvtColor(large, cv2.COLOR_RGB2BGR))
    print(f"{rgb.shape[1]}x{rgb.shape[0]} -> {large.shape[1]}x{large.shape[0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
