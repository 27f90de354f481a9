"""`vsr eval` as people and programs meet it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from safetensors.torch import save_file
from support.cli_runner import vsr
from support.clips import Clip, make, picture
from support.natural_picture import natural
from support.random_weights import drawn
from support.rgb_networks import colours

from vsr import load_model
from vsr.evaluation.benchmark_sets import SETS
from vsr.evaluation.evaluate import evaluate
from vsr.evaluation.score import mean
from vsr.networks.edsr import Edsr


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of images, a folder of two clips, and a video."""
    folder = tmp_path_factory.mktemp("inputs")
    for name, width, height in (
        ("images/0.png", 45, 38),
        ("images/1.png", 30, 52),
        ("more/2.png", 45, 38),
        *((f"clips/{clip}/{n}.png", 44, 36) for clip in "ab" for n in range(3)),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        number = int(Path(name).stem) + 5 * ("b" in name)
        cv2.imwrite(str(folder / name), picture(number, width, height))
    make(folder / "clip.mkv", Clip(44, 36, codec="ffv1", options={}, pts=range(0, 2048, 512)))
    return folder


def rows(out: str, cells: int, titles: int = 1) -> dict[str, list[float | None]]:
    """The figures of each row by its name; None where there is none."""
    found: dict[str, list[float | None]] = {}
    for line in out.splitlines()[titles:]:
        empty = cells // 2 if line.startswith("against ") else 0  # of the first of two models
        name, *words = line.rsplit(maxsplit=cells - empty)
        found[name.strip()] = [None if word == "-" else float(word) for word in words]
    return found


def test_images_of_one_model(inputs: Path) -> None:
    ran = vsr("eval", inputs / "images", inputs / "more", "-m", "bicubic")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "bicubic x4        PSNR dB    SSIM"
    found = rows(ran.out, 2)
    assert list(found) == [
        "images/0.png",
        "images/1.png",
        "images (2 items)",
        "more/2.png",
        "more (1 items)",
        "all (3 items)",
    ]
    psnr = {name: cells[0] for name, cells in found.items()}
    first, second, third = (psnr[n] for n in ("images/0.png", "images/1.png", "more/2.png"))
    assert psnr["images (2 items)"] == pytest.approx((first + second) / 2, abs=0.01)
    assert psnr["all (3 items)"] == pytest.approx((first + second + third) / 3, abs=0.01)


def test_json_of_images(inputs: Path) -> None:
    ran = vsr("eval", inputs / "images", "-m", "bicubic", "--json")
    assert ran.code == 0, ran.err
    *items, last = ran.events
    expected = list(evaluate([inputs / "images"], load_model("bicubic", 4)))
    assert items == [
        {
            "event": "item",
            "model": "bicubic",
            "name": score.path.name,
            "path": str(score.path),
            "psnr": pytest.approx(score.psnr),
            "ssim": pytest.approx(score.ssim),
            "mse": pytest.approx(score.mse),
            "frames": 1,
        }
        for score in expected
    ]
    assert last == {
        "event": "result",
        "model": "bicubic",
        "scale": 4,
        "psnr": pytest.approx(mean(expected).psnr),
        "ssim": pytest.approx(mean(expected).ssim),
        "mse": pytest.approx(mean(expected).mse),
        "items": 2,
    }


@pytest.mark.slow
def test_models_side_by_side(inputs: Path) -> None:
    """The table and the JSON say the same, for clips and images together."""
    words = ("eval", inputs / "clips", inputs / "clip.mkv", inputs / "images", "-s", "2")
    table = vsr(*words, "--models", "nearest,bicubic")
    ran = vsr(*words, "--models", "nearest, bicubic", "--json")
    assert (table.code, table.err, ran.code, ran.err) == (0, "", 0, "")
    names, titles = table.out.splitlines()[:2]
    assert names.split() == ["x2", "nearest", "bicubic"]
    assert titles.split() == ["PSNR", "dB", "SSIM", "dtSSD"] * 2
    found = rows(table.out, 6, 2)
    shown = ["clips/a", "clips/b", "clip.mkv", "images/0.png", "images/1.png"]
    means = ["clips (2 items)", "images (2 items)", "all (5 items)", "against nearest"]
    assert [*found] == [*shown[:2], means[0], *shown[2:], *means[1:]]

    events, by_model = ran.events, {}
    for number, model in enumerate(("nearest", "bicubic")):
        items = [e for e in events if e["event"] == "item" and e["model"] == model]
        (result,) = (e for e in events if e["event"] == "result" and e["model"] == model)
        by_model[model] = result
        for name, item in zip(shown, items, strict=True):
            cells = found[name][3 * number : 3 * number + 3]
            assert cells == [
                float(f"{item['psnr']:.2f}"),
                float(f"{item['ssim']:.4f}"),
                float(f"{item['dtssd']:.2f}") if "dtssd" in item else None,
            ]
            if "dtssd" in item:
                assert len(item["frame_psnr"]) == item["frames"] == (4 if "mkv" in name else 3)
                assert item["psnr"] == pytest.approx(sum(item["frame_psnr"]) / item["frames"])
                assert item["cuts"] == []
        for key in ("psnr", "ssim"):
            assert result[key] == pytest.approx(sum(item[key] for item in items) / 5)
        assert result["dtssd"] == pytest.approx(sum(item["dtssd"] for item in items[:3]) / 3)
        assert (result["scale"], result["items"]) == (2, 5)
    one, other = by_model["nearest"], by_model["bicubic"]
    assert found["against nearest"] == [
        float(f"{other['psnr'] - one['psnr']:.2f}"),
        float(f"{other['ssim'] - one['ssim']:.4f}"),
        float(f"{other['dtssd'] - one['dtssd']:.2f}"),
    ]


@pytest.fixture(scope="module")
def set5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures of the sizes that Set5 has."""
    folder = tmp_path_factory.mktemp("sets") / "Set5"
    folder.mkdir()
    for number, (name, size) in enumerate(SETS["set5"].pictures):
        cv2.imwrite(str(folder / f"{name}.png"), picture(number, *size))
    return folder


@pytest.mark.slow
def test_a_papers_table(set5: Path) -> None:
    """Set x scale x model, each the mean that the same images score by themselves."""
    words = ("eval", set5, "--models", "nearest,bicubic")
    sets = (*words, "--dataset", "Set5", "--scales", "2,4")
    table = vsr(*sets, "--metrics", "mse,psnr")
    assert (table.code, table.err) == (0, "")
    names, titles, *_ = table.out.splitlines()
    assert names.split() == ["nearest", "bicubic"]
    assert titles.split() == ["MSE", "PSNR", "dB"] * 2
    found = rows(table.out, 4, 2)
    assert list(found) == ["Set5 x2", "Set5 x4"]
    for scale in (2, 4):
        alone = vsr(*words, "-s", scale, "--stills", "--metrics", "mse,psnr")
        assert found[f"Set5 x{scale}"] == rows(alone.out, 4, 2)["all (5 items)"]
    ran = vsr(*sets, "--json")
    results = [e for e in ran.events if e["event"] == "result"]
    assert [(e["dataset"], e["scale"], e["model"]) for e in results] == [
        ("set5", scale, model) for scale in (2, 4) for model in ("nearest", "bicubic")
    ]
    assert [round(e["mse"], 2) for e in results[::2]] == [cells[0] for cells in found.values()]
    items = [e for e in ran.events if e["event"] == "item"]
    assert len(items) == 2 * 2 * 5
    assert {(e["dataset"], e["scale"]) for e in items} == {("set5", 2), ("set5", 4)}


@pytest.mark.slow
def test_a_papers_table_with_each_image(set5: Path) -> None:
    ran = vsr("eval", set5, "--dataset", "set5", "-m", "bicubic", "-s", "3", "--per-image")
    assert (ran.code, ran.err) == (0, "")
    found = rows(ran.out, 2)
    *images, last = found
    assert last == "Set5 x3"
    assert images == [f"Set5/{name}.png x3" for name, _ in SETS["set5"].pictures]
    psnr = [found[image][0] for image in images]
    assert found[last][0] == pytest.approx(sum(psnr) / 5, abs=0.006)


def test_the_columns_that_were_asked_for(inputs: Path) -> None:
    """MSE is what PSNR is the logarithm of."""
    words = ("eval", inputs / "images/0.png", "-m", "bicubic")
    ran = vsr(*words, "--metrics", "mse, psnr")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0].split() == ["bicubic", "x4", "MSE", "PSNR", "dB"]
    mse, psnr = rows(ran.out, 2)["0.png"]
    assert psnr == pytest.approx(10 * np.log10(255**2 / mse), abs=0.03)  # MSE has few digits


def test_the_texture_distance_must_be_asked_for(inputs: Path, tmp_path: Path) -> None:
    """Small images have none."""
    cv2.imwrite(str(tmp_path / "large.png"), natural(1, 96, 80))
    words = ("eval", tmp_path / "large.png", inputs / "images/0.png", "-m", "bicubic")
    ran = vsr(*words, "--metrics", "texture")
    assert (ran.code, ran.err) == (0, "")
    found = rows(ran.out, 1)
    assert found["0.png"] == [None]
    assert 0 < (found["large.png"][0] or 0) < 1
    assert found["all (2 items)"] == found["large.png"]
    told = [
        json.loads(line) for line in vsr(*words, "--metrics", "texture", "--json").out.splitlines()
    ]
    assert told[0]["texture"] == pytest.approx(found["large.png"][0], abs=6e-5)
    assert "texture" not in told[1]
    assert '"texture":' not in vsr(*words, "--json").out


def test_a_folder_that_is_a_clip_is_one_row(inputs: Path) -> None:
    clips = [inputs / "clips/a", inputs / "clips/b"]
    ran = vsr("eval", *clips, "-m", "bicubic")
    assert list(rows(ran.out, 3)) == ["a", "b", "all (2 items)"]
    apart = vsr("eval", clips[0], "-m", "bicubic", "--stills")
    assert list(rows(apart.out, 2)) == ["a/0.png", "a/1.png", "a/2.png", "all (3 items)"]


def test_model_files_of_one_name_are_told_apart(inputs: Path, tmp_path: Path) -> None:
    network = load_model("bicubic", 4).network
    facts = json.dumps({"network": "interpolation", "scale": 4})
    files = [str(tmp_path / name / "best.safetensors") for name in "ab"]
    for file in files:
        Path(file).parent.mkdir()
        save_file(network.state_dict(), file, {"vsr": facts})
    ran = vsr("eval", inputs / "images", "--models", ",".join([*files, "bicubic"]))
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0].split() == ["x4", *files, "bicubic"]
    assert len({len(line) for line in ran.out.splitlines()}) == 1  # all columns end together


@pytest.fixture
def edsr(tmp_path: Path) -> Path:
    """A small model file in RGB."""
    options = {"blocks": 1, "features": 4, "light": True}
    facts = json.dumps({"network": "edsr", "scale": 4, "options": options})
    path = tmp_path / "edsr.safetensors"
    save_file(drawn(Edsr(4, **options)).state_dict(), path, {"vsr": facts})
    return path


@pytest.mark.slow
def test_a_model_in_rgb_beside_one_on_luma(inputs: Path, edsr: Path) -> None:
    cv2.imwrite(str(edsr.with_name("colour.png")), colours(0, 45, 38))
    items = [edsr.with_name("colour.png"), inputs / "clips/a", inputs / "clip.mkv"]
    ran = vsr("eval", *items, "--models", f"bicubic,{edsr}", "--json")
    assert ran.code == 0, ran.err
    for name in ("bicubic", str(edsr)):
        expected = [score.psnr for score in evaluate(items, load_model(name, 4))]
        title = "bicubic" if name == "bicubic" else edsr.stem
        found = [e["psnr"] for e in ran.events if (e["event"], e["model"]) == ("item", title)]
        assert found == pytest.approx(expected)


@pytest.mark.slow
def test_eval_with_self_ensemble(inputs: Path, edsr: Path) -> None:
    words = ("eval", inputs / "images", "-m", edsr, "--json")
    plain, ran = (vsr(*words, *more) for more in ([], ["--self-ensemble"]))
    assert (plain.code, ran.code) == (0, 0), ran.err
    scores = list(evaluate([inputs / "images"], load_model(str(edsr), 4), self_ensemble=True))
    assert [e["psnr"] for e in ran.events[:-1]] == pytest.approx([score.psnr for score in scores])
    assert ran.events[-1]["psnr"] != pytest.approx(plain.events[-1]["psnr"], abs=1e-3)


def test_eval_draws_a_chart_of_the_clips(inputs: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = ("eval", inputs / "clips", inputs / "images", "--models", "nearest,bicubic")
    chart = tmp_path / "chart.svg"
    ran = vsr(*words, "--plot", chart)
    assert (ran.code, ran.err) == (0, "")
    texts = [e.text for e in ElementTree.parse(chart).iter() if e.tag.endswith("text")]
    assert [text for text in texts if text and text.endswith(" x4")] == ["clips/a x4", "clips/b x4"]
    means = rows(ran.out, 6, 2)["clips/a"]
    assert f"nearest  {means[0]:.2f}" in texts
    assert f"bicubic  {means[3]:.2f}" in texts


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A clip large enough for blocks."""
    for n in range(4):
        frame = np.roll(natural(), 3 * n, axis=1)
        (tmp_path / "walk").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"walk/{n}.png"), frame)
    return tmp_path / "walk"


@pytest.mark.slow
def test_eval_of_recordings_says_the_same_in_table_and_json(walk: Path) -> None:
    """The table and the JSON say the same, and what the true pictures show."""
    cv2.imwrite(str(walk.with_name("still.png")), natural(1))
    words = ("eval", walk, walk.with_name("still.png"), "-s", "2", "--models", "nearest,bicubic")
    words = (*words, "--crf", "35", "--noise", "4")
    table, ran = vsr(*words), vsr(*words, "--json")
    assert (table.code, table.err, ran.code, ran.err) == (0, "", 0, "")
    lines = table.out.splitlines()
    assert lines[1].split() == ["PSNR", "dB", "SSIM", "dtSSD", "flicker", "blocks"] * 2
    assert len({len(line) for line in lines[:-1]}) == 1
    results = {e["model"]: e for e in ran.events if e["event"] == "result"}
    assert all((e["noise"], e["crf"]) == (4.0, 35) for e in results.values())
    names = ("psnr", "ssim", "dtssd", "flicker", "blockiness")
    digits = (2, 4, 2, 2, 2)
    found = rows("\n".join(lines[:-1]), 10, 2)
    expected = [
        float(f"{results[model][name]:.{n}f}")
        for model in ("nearest", "bicubic")
        for name, n in zip(names, digits, strict=True)
    ]
    assert found["all (2 items)"] == expected
    assert found["against nearest"] == [
        float(f"{results['bicubic'][name] - results['nearest'][name]:.{n}f}")
        for name, n in zip(names, digits, strict=True)
    ]
    one = results["bicubic"]
    shown = [None, None, None, round(one["true_flicker"], 2), round(one["true_blockiness"], 2)]
    name, *cells = lines[-1].rsplit(maxsplit=5)
    assert name.strip() == "the true pictures"
    assert [None if cell == "-" else float(cell) for cell in cells] == shown


def test_recordings_of_images_alone(walk: Path) -> None:
    ran = vsr("eval", walk, "--stills", "-s", "2", "-m", "bicubic", "--noise", "5")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0].split() == ["bicubic", "x2", "PSNR", "dB", "SSIM", "blocks"]
    recorded = ran.out[: ran.out.index("the true pictures")]
    clean = vsr("eval", walk, "--stills", "-s", "2", "-m", "bicubic")
    psnr = [rows(out, n)["all (4 items)"][0] for out, n in ((recorded, 3), (clean.out, 2))]
    assert psnr[0] < psnr[1] - 1


def test_eval_of_the_first_frames_alone(walk: Path) -> None:
    words = ("eval", walk, "-s", "2", "-m", "bicubic", "--json")
    few, all_ = vsr(*words, "--frames", "2"), vsr(*words)
    assert few.events[0]["frame_psnr"] == all_.events[0]["frame_psnr"][:2]
    assert "crf" not in few.events[-1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "Missing argument"),
        (["images", "-s", "17"], 2, "17"),
        (["images", "-m", "bicubic", "--models", "espcn"], 2, "exclude each other"),
        (["images", "--models", "bicubic,,espcn"], 2, "with commas between"),
        (["images", "--models", "bicubic,none"], 1, "error: unknown model 'none'"),
        (["images", "--plot", "chart.png"], 1, "error: nothing to plot"),
        (["clips", "--plot", "chart.gif"], 1, "error: chart.gif: a plot cannot be a '.gif'"),
        (["images", "--crf", "52"], 2, "'52': must be a whole number of 0 to 51"),
        (["images", "--noise", "-1"], 2, "'-1': must be a number of 0 to 100"),
        (["clips", "--frames", "0"], 2, "'0': must be a whole number of 1"),
        (["nowhere"], 1, "nowhere: no such file or folder"),
        (["empty"], 1, "error: nothing to evaluate"),
        (["images", "--metrics", "psnr,vmaf"], 2, "'vmaf': must be some of psnr, ssim, mse"),
        (["images", "--per-image"], 2, "--per-image is for --dataset alone"),
        (["images", "--scales", "2,3"], 2, "--scales is for --dataset alone"),
        (["images", "--dataset", "set6"], 2, "'set6': must be one of set5, set14, bsd100"),
        (["images", "--dataset", "set5,set14"], 2, "one PATH for each set, its folder; given: 1"),
        (["images", "--dataset", "set5"], 1, "images: is not Set5: holds 2 images, not 5"),
        (["images", "--dataset", "set5", "--noise", "3"], 2, "--noise and --dataset exclude"),
        (["images", "--dataset", "set5", "--stills"], 2, "--stills and --dataset exclude"),
        (["images", "--dataset", "set5", "--scales", "2,x"], 2, "is not a scale"),
        (["images", "--dataset", "set5", "-s", "2", "--scales", "2"], 2, "exclude each other"),
    ],
)
def test_usage_and_failure_differ(inputs: Path, words: list[str], code: int, message: str) -> None:
    (inputs / "empty").mkdir(exist_ok=True)
    places = ("images", "clips", "nowhere", "empty")
    ran = vsr("eval", *(inputs / word if word in places else word for word in words))
    assert ran.code == code
    assert message in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("figure", ["--plot", "--crops"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_figure_never_replaces_an_input(tmp_path: Path, figure: str, overwrite: bool) -> None:
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in range(3):
        cv2.imwrite(str(clip / f"{number}.png"), picture(number, 44, 36))
    before = (clip / "1.png").read_bytes()
    words = ["eval", clip, "-m", "bicubic", figure, clip / "1.png"]
    ran = vsr(*words, *(["-y"] if overwrite else []))
    assert ran.code == 1
    assert "1.png: is the input itself; choose another name" in ran.err
    assert (clip / "1.png").read_bytes() == before


def test_two_figures_are_two_files(inputs: Path, tmp_path: Path) -> None:
    figure = tmp_path / "figure.png"
    words = ["--plot", figure, "--crops", tmp_path / "." / "figure.png"]
    ran = vsr("eval", inputs / "clips", "-m", "bicubic", "-s", "2", *words)
    assert (ran.code, figure.exists()) == (1, False)
    assert "--plot and --crops need a file each" in ran.err


def test_a_figure_replaces_a_file_on_demand_alone(inputs: Path, tmp_path: Path) -> None:
    figure = tmp_path / "crops.png"
    figure.write_bytes(b"mine")
    words = ["eval", inputs / "images", "--models", "bicubic,nearest", "-s", "2"]
    words += ["--crops", figure]
    ran = vsr(*words)
    assert (ran.code, figure.read_bytes()) == (1, b"mine")
    assert "crops.png: exists already; -y" in ran.err
    assert vsr(*words, "-y").code == 0
    assert figure.read_bytes() != b"mine"
