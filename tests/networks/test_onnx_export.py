"""Our networks as ONNX files: ONNX Runtime makes of them what torch makes of the networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="ONNX files need the extra onnx")
import onnx
import onnxruntime as ort
from support.cli_runner import vsr
from support.clips import Clip, make, planes
from support.noise_frames import described, noise
from support.onnx_files import write
from support.random_weights import drawn
from torch import Tensor
from torch.nn import functional as F

import vsr as package
from vsr.core.errors import ModelError, OutputError
from vsr.core.quality import Quality
from vsr.inference.engine import Engine, restore
from vsr.networks import Network
from vsr.networks.catalogue import ModelCard
from vsr.networks.edsr import Edsr
from vsr.networks.espcn import Espcn
from vsr.networks.interpolation import Interpolation
from vsr.networks.literature.fsrcnn import Fsrcnn
from vsr.networks.literature.idn import Idn
from vsr.networks.literature.lapsrn import Lapsrn
from vsr.networks.literature.rcan import Rcan
from vsr.networks.literature.wavelet import Wavelet
from vsr.networks.model import Model
from vsr.networks.onnx_export import OPSET, export, to_onnx
from vsr.networks.onnx_network import load_onnx
from vsr.networks.recurrent import Recurrent
from vsr.networks.recurrent_state import State, quality_planes
from vsr.networks.registry import load_model
from vsr.networks.vespcn import Vespcn

MAKE: dict[str, Callable[[int], Network]] = {
    "bicubic": Interpolation,
    "lanczos": lambda scale: Interpolation(scale, "lanczos"),
    "nearest": lambda scale: Interpolation(scale, "nearest"),
    "espcn": lambda scale: drawn(Espcn(scale, (5, 3, 3), (6, 4)), last=0.2),
    "edsr": lambda scale: drawn(Edsr(scale, 2, 6, 0.5), last=0.2),
    "light edsr": lambda scale: drawn(Edsr(scale, 1, 6, light=True), last=0.2),
    "fsrcnn": lambda scale: drawn(Fsrcnn(scale, 6, 4, 1), last=0.2),
    "idn": lambda scale: drawn(Idn(scale, 1, 8, 2, 2), last=0.2),
    "rcan": lambda scale: drawn(Rcan(scale, 1, 1, 8, 2), last=0.2),
    "light rcan": lambda scale: drawn(Rcan(scale, 1, 1, 8, 2, window=1, light=True), last=0.2),
    "wavelet": lambda scale: drawn(Wavelet(scale, 4, (6, 6), 1), last=0.2),
}
_SIZES = ((24, 32), (33, 47), (70, 61))


def held(network: Network, name: str = "net") -> Model:
    return Model(ModelCard(name, network.scale, "none"), network.eval().requires_grad_(False))


def smooth(*shape: int) -> Tensor:
    small = torch.rand(*shape[:2], shape[2] // 4 + 1, shape[3] // 4 + 1)
    return F.interpolate(small, shape[2:], mode="bilinear")


def written(folder: Path, network: Network, half: bool = False) -> Path:
    data, _, _ = to_onnx(held(network), half)
    path = folder / "net.onnx"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_gives_what_the_network_gives_at_any_size(name: str, scale: int, tmp_path: Path) -> None:
    network = MAKE[name](scale)
    session = ort.InferenceSession(written(tmp_path, network))
    channels = 3 if network.color == "rgb" else 1
    for height, width in _SIZES:
        x = smooth(2, channels, height, width)
        (large,) = session.run(["large"], {"picture": x.numpy()})
        with torch.inference_mode():
            assert np.abs(network(x).numpy() - large).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"context": 2}, {"fusion": "slow", "layers": 4}])
def test_a_network_of_windows_gives_the_same_where_flow_rounds_alike(
    options: dict[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    options = {"features": 4, "layers": 3, "flow_features": 4, **options}
    network = drawn(Vespcn(2, **options), last=0.2)
    session = ort.InferenceSession(written(tmp_path, network))
    for height, width in _SIZES:
        x = smooth(2, network.seen, height, width)
        (large,) = session.run(["large"], {"picture": x.numpy()})
        with torch.inference_mode():
            differ = np.abs(network(x).numpy() - large)
        # a flow about halfway between two steps of 1/256 pixel may round to either
        assert np.quantile(differ, 0.9) < 1e-5
        assert differ.max() < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("grades", [1, 3])
def test_steps_of_a_recurrent_network_carry_its_state(grades: int, tmp_path: Path) -> None:
    torch.manual_seed(2)
    options: dict[str, Any] = {"features": 8, "pairs": 1, "flow_features": 4, "hidden": 5}
    network = drawn(Recurrent(2, grades=grades, coming_aligned=grades > 1, **options), last=0.2)
    path = written(tmp_path, network.eval().requires_grad_(False))
    session = ort.InferenceSession(path)
    quality = quality_planes(Quality(30.0, 4.0))
    for height, width in _SIZES[1:]:
        frames = [smooth(1, 1, height, width) for _ in range(4)]
        frames += [frames[-1]] * 12  # stands still until the state rests
        state = network.start(frames[0])
        names = ("previous", "hidden", "detail", "still")
        carried = {name: getattr(state, name).float().numpy() for name in names}
        for n in range(len(frames) - 2):
            shown = torch.cat(frames[n : n + 3], 1)
            with torch.inference_mode():
                phases, state = network.step(shown, state, quality)
                large = F.pixel_shuffle(phases, 2).numpy()
            given = {"frames": shown.numpy(), "quality": quality.numpy(), **carried}
            made = session.run(["large", *(f"next_{name}" for name in names)], given)
            # what is fetched from between two pixels may come from either
            assert np.quantile(np.abs(large - made[0]), 0.9) < 1e-5
            carried = {name: getattr(state, name).float().numpy() for name in names}
            assert np.array_equal(carried["still"], made[4])
            for name, own in zip(names, made[1:], strict=True):
                assert np.quantile(np.abs(carried[name] - own), 0.9) < 1e-4
        assert carried["still"].max() == 8


@pytest.mark.slow
def test_a_step_names_its_state(tmp_path: Path) -> None:
    network = drawn(Recurrent(2, features=8, pairs=1, flow_features=4), last=0.2)
    _, inputs, outputs = to_onnx(held(network))
    assert [one.name for one in inputs] == [
        *("frames", "quality", "previous", "hidden", "detail", "still")
    ]
    assert [one.name for one in outputs][1:] == [
        *("next_previous", "next_hidden", "next_detail", "next_still")
    ]
    assert set(State.__dataclass_fields__) <= {one.name for one in inputs}


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    proto = onnx.load(written(tmp_path, MAKE["edsr"](3)))
    assert (proto.producer_name, proto.producer_version) == ("vsr", package.__version__)
    assert proto.opset_import[0].version == OPSET
    assert "RGB" in proto.graph.input[0].doc_string
    (facts,) = (json.loads(one.value) for one in proto.metadata_props if one.key == "vsr")
    assert facts["scale"] == 3
    assert facts["color"] == "rgb"
    assert set(facts["tensors"]) == {"picture", "large"}


def test_the_same_network_makes_the_same_file() -> None:
    first, second = (to_onnx(held(MAKE["espcn"](2)))[0] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["espcn", "edsr", "nearest", "rcan", "wavelet"])
def test_what_is_read_back_states_and_makes_the_same(name: str, tmp_path: Path) -> None:
    network = MAKE[name](2)
    _, read = load_onnx(written(tmp_path, network))
    facts = ("scale", "context", "color", "chroma_kernel", "receptive_field", "local", "block")
    assert [getattr(read, fact) for fact in facts] == [getattr(network, fact) for fact in facts]
    assert read.traits.exact
    info = described("yuv420p", 50, 38)
    engine = Engine((torch.device("cpu"),), "fp32", 1)
    own, other = (
        list(restore(iter(noise(2, info)), info, held(one), engine)) for one in (network, read)
    )
    for one, two in zip(own, other, strict=True):
        for plane, same in zip(one.planes, two.planes, strict=True):
            assert np.abs(plane.astype(int) - same).max() <= 1
            assert (plane != same).mean() < 1e-3


@pytest.mark.slow
def test_a_network_of_windows_is_read_back_with_its_context(tmp_path: Path) -> None:
    network = drawn(Vespcn(2, features=4, layers=3, flow_features=4), last=0.2)
    _, read = load_onnx(written(tmp_path, network))
    assert (read.context, read.color, read.seen) == (1, "y", 3)
    assert read.receptive_field == network.receptive_field


def test_half_is_half_as_large_and_nearly_the_same(tmp_path: Path) -> None:
    network = drawn(Edsr(2, 4, 16), last=0.2)
    full = written(tmp_path, network).stat().st_size
    path = written(tmp_path, network, half=True)
    assert path.stat().st_size < 0.6 * full
    x = smooth(1, 3, 40, 30)
    _, read = load_onnx(path)
    with torch.inference_mode():
        large = network(x)
        assert (large - read(x)).abs().max() < 5e-3 * large.abs().max()


def test_false_facts_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, MAKE["espcn"](2))
    for key, value, why in (
        ("scale", 3, "enlarges by 2, and says 3"),
        ("scale", "2", "makes no sense"),
        ("context", 40, "makes no sense"),
        ("receptive_field", 10**9, "makes no sense"),
        ("color", "cmyk", "makes no sense"),
        ("local", 0, "makes no sense"),
        ("block", 3, "makes no sense"),
    ):
        proto = onnx.load(path)
        entry = next(one for one in proto.metadata_props if one.key == "vsr")
        entry.value = json.dumps(json.loads(entry.value) | {key: value})
        other = tmp_path / "false.onnx"
        onnx.save(proto, other)
        with pytest.raises(ModelError, match=why):
            load_onnx(other)


def test_levels_are_exported(tmp_path: Path) -> None:
    network = drawn(Lapsrn(4, 2, 4), last=0.2)
    session = ort.InferenceSession(written(tmp_path, network))
    x = smooth(1, 1, 33, 47)
    (large,) = session.run(["large"], {"picture": x.numpy()})
    with torch.inference_mode():
        assert np.abs(large - network(x).numpy()).max() < 1e-4


def test_a_target_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    taken = tmp_path / "net.onnx"
    taken.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        export("bicubic", taken)
    with pytest.raises(OutputError, match=r"must be named \.onnx"):
        export("bicubic", tmp_path / "net.pt")
    with pytest.raises(ModelError, match="has no weights for scale 5"):
        export("bicubic", tmp_path / "other.onnx", scale=5)
    with pytest.raises(ModelError, match="is an ONNX file already"):
        export(write(tmp_path / "theirs.onnx"), tmp_path / "other.onnx")
    assert taken.read_bytes() == b"mine"
    assert not (tmp_path / "other.onnx").exists()
    exported = package.export("bicubic", taken, scale=3, overwrite=True)
    assert exported.size == taken.stat().st_size
    assert load_model(taken, 3).weights.sha256 == exported.sha256


def test_a_loaded_model_is_no_name(tmp_path: Path) -> None:
    loaded: Any = load_model("bicubic", 2)
    for model in (loaded, None, 5):
        with pytest.raises(
            TypeError, match=r"^model .*: must be a name of vsr.catalogue\(\), or a"
        ):
            export(model, tmp_path / "out.onnx")


def test_half_is_refused_for_a_state() -> None:
    network = Recurrent(2, features=8, pairs=1, flow_features=4)
    with pytest.raises(ModelError, match="half is for networks without a state"):
        to_onnx(held(network), half=True)


@pytest.mark.slow
def test_the_command_line_exports_and_takes_it(tmp_path: Path) -> None:
    clip = make(tmp_path / "in.mkv", Clip(pts=range(0, 4 * 512, 512)))
    net = tmp_path / "net.onnx"
    ran = vsr("export", "espcn", net, "--scale", 2, "--json")
    assert ran.code == 0, ran.err
    assert ran.events[0]["scale"] == 2
    assert set(ran.events[0]["inputs"]) == {"picture"}
    for name, out in ((str(net), "onnx.mkv"), ("espcn", "own.mkv")):
        words = ("--model", name, "--scale", 2, "--precision", "fp32", "--codec", "ffv1")
        ran = vsr("upscale", clip, tmp_path / out, *words)
        assert ran.code == 0, ran.err
    own, other = planes(tmp_path / "own.mkv"), planes(tmp_path / "onnx.mkv")
    for frame, same in zip(own, other, strict=True):
        for plane, like in zip(frame, same, strict=True):
            assert np.abs(plane.astype(int) - like).max() <= 1
    ran = vsr("export", "espcn", net)
    assert ran.code == 1
    assert "exists already" in ran.err
