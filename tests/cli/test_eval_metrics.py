"""`vsr eval --metrics` with metrics that others' packages measure."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cli_runner import vsr
from support.natural_picture import natural

from vsr.evaluation.evaluate import evaluate

NAMES = ["vmaf-neg", "xpsnr", "erqa"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip and an image."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "clip").mkdir()
    for n in range(3):
        frame = np.roll(natural(), 3 * n, axis=1)[:96, :128]
        cv2.imwrite(str(folder / f"clip/{n}.png"), frame)
    cv2.imwrite(str(folder / "image.png"), natural()[:96, :128])
    return folder


@pytest.fixture
def packages() -> None:
    for package in ("imageio_ffmpeg", "erqa"):
        pytest.importorskip(package)


@pytest.mark.slow
@pytest.mark.usefixtures("packages")
def test_table_and_json_of_a_clip_and_an_image(inputs: Path) -> None:
    words = ["eval", inputs / "clip", inputs / "image.png", "-m", "bicubic", "-s", "2"]
    words += ["--metrics", "psnr,vmaf-neg,xpsnr,erqa"]
    table, ran = vsr(*words), vsr(*words, "--json")
    assert (table.code, table.err, ran.code) == (0, "", 0)
    title, clip, image, both = table.out.splitlines()
    assert title.split() == ["bicubic", "x2", "PSNR", "dB", "VMAF-NEG", "XPSNR", "dB", "ERQA"]
    of_clip, of_image = evaluate(
        [inputs / "clip", inputs / "image.png"], "bicubic", scale=2, metrics=NAMES
    )
    assert clip.split() == [
        "clip",
        f"{of_clip.psnr:.2f}",
        f"{of_clip.vmaf_neg:.2f}",
        f"{of_clip.xpsnr:.2f}",
        f"{of_clip.erqa:.4f}",
    ]
    assert image.split() == ["image.png", f"{of_image.psnr:.2f}", "-", "-", f"{of_image.erqa:.4f}"]
    assert both.split()[4:6] == clip.split()[2:4]
    items = [event for event in ran.events if event["event"] == "item"]
    assert [item["vmaf_neg"] for item in items[:1]] == [pytest.approx(of_clip.vmaf_neg)]
    assert [item["erqa"] for item in items] == [of_clip.erqa, of_image.erqa]
    assert not {"vmaf_neg", "xpsnr"} & items[1].keys()
    (result,) = (event for event in ran.events if event["event"] == "result")
    assert result["xpsnr"] == pytest.approx(of_clip.xpsnr)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["image.png", "--metrics", "xpsnr"], "metric 'xpsnr': is of clips, and there are images"),
        (["clip", "--stills", "--metrics", "psnr,vmaf-neg"], "metric 'vmaf-neg': is of clips"),
        (["image.png", "--metrics", "psnr,dtssd"], "metric 'dtssd': is of clips, and there are"),
        (["clip", "--stills", "--metrics", "flicker"], "metric 'flicker': is of clips"),
    ],
)
def test_images_alone_are_refused_in_a_line(inputs: Path, words: list[str], message: str) -> None:
    ran = vsr("eval", inputs / words[0], "-m", "bicubic", *words[1:])
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
