"""Score models against the truth: shrink a picture, enlarge it again, compare.

python examples/compare.py TRUE.png
"""

import sys

import vsr


def main(truth: str) -> None:
    for name in ("bicubic", "espcn", "espcn-deep"):
        for score in vsr.evaluate([truth], name, scale=2):
            print(f"{name:>12}  {score.psnr:.2f} dB  SSIM {score.ssim:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
