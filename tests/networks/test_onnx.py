"""Networks in ONNX files: each kind gives what the file itself gives, and tiles are the whole."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="ONNX files need the extra onnx")
import onnx
import onnxruntime as ort
from support.noise_frames import assert_equal, described, noise
from support.onnx_files import Kind, made, model, port, write
from torch import Tensor

from vsr.core.errors import DeviceError, ModelError
from vsr.inference.engine import Engine, choose_engine, prepared, restore
from vsr.inference.passes import load_for
from vsr.networks.cost import cost
from vsr.networks.onnx_file import read_onnx
from vsr.networks.onnx_network import OnnxNetwork, load_onnx
from vsr.networks.registry import load_model

CPU = torch.device("cpu")
KINDS = {
    "free": Kind(),
    "luma": Kind(channels=1),
    "restores": Kind(scale=1),
    "x8": Kind(scale=8),
    "half": Kind(dtype="float16"),
    "bytes": Kind(dtype="uint8", scale=3),
    "channels last": Kind(last=True),
    "bytes last": Kind(last=True, dtype="uint8", channels=1),
    "blocks": Kind(unshuffle=True),
    "fixed": Kind(size=(32, 40)),
    "fixed bytes last": Kind(size=(32, 40), last=True, dtype="uint8", batch=1),
    "fixed blocks": Kind(size=(40, 32), unshuffle=True),
}


def picture(height: int, width: int, channels: int = 3) -> Tensor:
    random = torch.Generator().manual_seed(height + width)
    small = torch.rand(1, channels, height // 3 + 1, width // 3 + 1, generator=random)
    large = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    return large.mul_(255).round_().div_(255)


def by_itself(path: Path, kind: Kind, x: Tensor) -> Tensor:
    """What ONNX Runtime alone makes of a picture that suits the file."""
    given = x.numpy()
    if kind.dtype == "uint8":
        given = np.rint(given * 255).astype(np.uint8)
    given = given.astype(kind.dtype)
    given = given.transpose(0, 2, 3, 1) if kind.last else given
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    (large,) = session.run(None, {"picture": np.ascontiguousarray(given)})
    large = large.astype(np.float32) / (255 if kind.dtype == "uint8" else 1)
    return torch.from_numpy(large.transpose(0, 3, 1, 2).copy() if kind.last else large)


@pytest.mark.parametrize("name", KINDS)
def test_a_picture_is_what_the_file_itself_gives(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    path = write(tmp_path / "net.onnx", kind)
    _, network = load_onnx(path)
    assert network.scale == kind.scale
    assert network.color == ("rgb" if kind.channels == 3 else "y")
    assert network.traits.exact
    x = picture(*(kind.size or (38, 46)), kind.channels)
    close = {"float32": 1e-6, "float16": 2e-3, "uint8": 1.01 / 255}[kind.dtype]
    assert (network(x) - by_itself(path, kind, x)).abs().max() <= close


@pytest.mark.parametrize("name", ["fixed", "fixed blocks", "fixed bytes last"])
@pytest.mark.parametrize("size", [(75, 64), (40, 97), (41, 40)])
def test_a_network_for_one_size_gives_what_one_for_all_would(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    kind = KINDS[name]
    free = replace(kind, size=None)
    if kind.unshuffle:
        size = (size[0] // 2 * 2, size[1] // 2 * 2)
    path = write(tmp_path / "free.onnx", free)
    _, network = load_onnx(write(tmp_path / "fixed.onnx", kind))
    x = picture(*size)
    close = 1.01 / 255 if kind.dtype == "uint8" else 1e-5
    assert (network(x) - by_itself(path, free, x)).abs().max() <= close


def test_a_picture_below_the_fixed_size_is_continued_by_its_edge(tmp_path: Path) -> None:
    kind = KINDS["fixed"]
    path = write(tmp_path / "net.onnx", kind)
    _, network = load_onnx(path)
    x = picture(20, 25)
    continued = torch.nn.functional.pad(x, (0, 15, 0, 12), mode="replicate")
    assert torch.allclose(network(x), by_itself(path, kind, continued)[..., :40, :50], atol=1e-6)


def test_odd_sides_are_continued_to_what_the_file_takes(tmp_path: Path) -> None:
    kind = KINDS["blocks"]
    path = write(tmp_path / "net.onnx", kind)
    _, network = load_onnx(path)
    assert network.traits.multiple == 2
    x = picture(21, 27)
    continued = torch.nn.functional.pad(x, (0, 1, 0, 1), mode="replicate")
    assert torch.allclose(network(x), by_itself(path, kind, continued)[..., :42, :54], atol=1e-6)


def test_its_reach_is_found_by_probing(tmp_path: Path) -> None:
    for layers in (1, 3, 6):
        _, network = load_onnx(write(tmp_path / f"{layers}.onnx", Kind(layers=layers)))
        assert network.receptive_field == 2 * layers + 1


@pytest.mark.parametrize("name", ["free", "luma", "blocks", "fixed", "channels last", "half"])
def test_tiles_are_the_whole(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    loaded = load_model(str(write(tmp_path / "net.onnx", kind)), kind.scale)
    info = described("yuv420p", 86, 70)
    frames = noise(2, info)
    wholes, parts = (
        list(restore(iter(frames), info, loaded, Engine((CPU,), "fp32", 1, tile)))
        for tile in (0, 24)
    )
    for whole, part in zip(wholes, parts, strict=True):
        for one, other in zip(whole.planes, part.planes, strict=True):
            # float32 sums in another order; a sample between two levels may fall to either
            assert np.abs(one.astype(int) - other).max() <= 1
            assert (one != other).mean() < 1e-3


def test_tiles_that_are_not_exact_are_told(tmp_path: Path) -> None:
    kind = Kind(looks_at_all=True)
    loaded = load_model(str(write(tmp_path / "net.onnx", kind)), kind.scale)
    assert isinstance(loaded.network, OnnxNetwork)
    assert not loaded.network.traits.exact
    assert loaded.network.tile_error > 0
    info, told = described("yuv420p", 200, 70), []
    engine = Engine((CPU,), "fp32", 1, 64)
    list(restore(iter(noise(1, info)), info, loaded, engine, told.append))
    assert any("255" in line for line in told)
    told.clear()
    list(restore(iter(noise(1, info)), info, loaded, replace(engine, tile=0), told.append))
    assert not told


def test_several_pictures_at_once_are_each_as_alone(tmp_path: Path) -> None:
    _, network = load_onnx(write(tmp_path / "net.onnx", Kind(batch=1)))
    pictures = torch.cat([picture(20, 24), picture(20, 24).flip(3)])
    both = network(pictures)
    for one, x in zip(both, pictures, strict=True):
        assert torch.equal(one, network(x[None])[0])


def test_what_it_costs_is_reckoned_from_the_graph(tmp_path: Path) -> None:
    kind = Kind(layers=2, scale=2)
    _, network = load_onnx(write(tmp_path / "net.onnx", kind))
    each = 9 * 3 * 8 + 9 * 8 * 12  # multiplications for a pixel, in two convolutions
    assert cost(network, 200, 100).macs == each * 100 * 50
    assert cost(network).parameters == each + 8 + 12
    assert network.runtime is not None
    assert network.runtime.memory >= 4 * (8 + 8)  # what the ReLU takes and gives


def test_copies_run_the_same_session(tmp_path: Path) -> None:
    _, network = load_onnx(write(tmp_path / "net.onnx"))
    copied = prepared(network, choose_engine())
    assert isinstance(copied, OnnxNetwork)
    assert copied.session is network.session
    x = picture(16, 16)
    assert torch.equal(copied(x), network(x))


def test_it_runs_in_its_own_numbers(tmp_path: Path) -> None:
    path = str(write(tmp_path / "net.onnx"))
    assert load_for(path, 2, choose_engine()).engine.precision == "fp32"  # type: ignore[arg-type]
    loaded = load_model(path, 2)
    with pytest.raises(DeviceError, match="precision bf16: the model bears fp32"):
        prepared(loaded.network, Engine((CPU,), "bf16", 1, precision_asked=True))
    with pytest.raises(DeviceError, match="compiling is for networks that torch runs"):
        prepared(loaded.network, Engine((CPU,), "fp32", 1, compiled=True))


def test_the_card_tells_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx")
    card = load_model(path, 2).weights
    assert card.name == "net"
    assert card.network == "onnx"
    assert card.sha256 == read_onnx(path).sha256
    assert card.options["producer"] == "a test 1"
    assert card.options["opset"] == 17
    with pytest.raises(ModelError, match="is for scale 2, not 4"):
        load_model(path, 4)


def _renamed(domain: str, operator: str) -> Callable[[Any], None]:
    def change(proto: Any) -> None:
        proto.graph.node[0].domain, proto.graph.node[0].op_type = domain, operator
        proto.opset_import.add(domain=domain, version=1)

    return change


def _outside(proto: Any) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")


def _in_a_function(proto: Any) -> None:
    node = onnx.helper.make_node("Evil", ["x"], ["y"], domain="mine")
    opsets = [onnx.helper.make_opsetid("", 17)]
    function = onnx.helper.make_function("f", "F", ["x"], ["y"], [node], opsets)
    proto.functions.append(function)


def _in_a_branch(proto: Any) -> None:
    node = onnx.helper.make_node("Evil", [], ["y"], domain="mine")
    branch = onnx.helper.make_graph([node], "b", [], [])
    proto.graph.node.append(
        onnx.helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch)
    )


def _two_inputs(proto: Any) -> None:
    proto.graph.input.append(port("other", Kind()))


def _two_outputs(proto: Any) -> None:
    proto.graph.output.append(port("picture", Kind()))


def _three_sides(proto: Any) -> None:
    del proto.graph.input[0].type.tensor_type.shape.dim[3]


_CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "an operator of others": (_renamed("mine", "Evil"), "has the operator 'mine.Evil'"),
    "one in a function": (_in_a_function, "has the operator 'mine.Evil'"),
    "one in a branch": (_in_a_branch, "has the operator 'mine.Evil'"),
    "one that loads": (_renamed("com.microsoft", "EPContext"), "'com.microsoft.EPContext'"),
    "weights elsewhere": (_outside, "keeps weights in other files; make one of them"),
    "two inputs": (_two_inputs, "takes 'picture, other' and gives 'large': must be one picture"),
    "two outputs": (_two_outputs, "gives 'large, picture': must be one picture in, and one out"),
    "three sides": (_three_sides, "picture has 3 sides: must have 4"),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_what_may_do_harm_or_is_no_network_is_refused(name: str, tmp_path: Path) -> None:
    change, why = _CHANGES[name]
    proto = model()
    change(proto)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError) as refused:
        load_onnx(path)
    assert why in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Kind(channels=4), "must have 3 channels, for RGB, or 1, for luma"),
        (Kind(dtype="float64"), "holds numbers of type 11: must be float32, uint8, float16"),
        (Kind(batch=4), "must take one picture at a time"),
        (Kind(scale=9), "both sides must become 1 to 8 times as long"),
    ],
)
def test_what_it_takes_and_what_is_allowed_are_told(kind: Kind, why: str, tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", kind)
    with pytest.raises(ModelError, match=r"net\.onnx: ") as refused:
        load_onnx(path)
    assert why in str(refused.value)


def test_a_network_that_makes_a_picture_smaller_is_refused(tmp_path: Path) -> None:
    pool = onnx.helper.make_node(
        "AveragePool", ["picture"], ["large"], kernel_shape=[2, 2], strides=[2, 2]
    )
    proto = made([pool], [], [port("picture", Kind())], [port("large", Kind(), True)])
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match="makes 8x8 of 16x16 pixels: both sides must become"):
        load_onnx(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"no protobuf at all", b"\x08\x08", bytes(1000), b"\xff" * 64],
    ids=["empty", "text", "no graph", "zeros", "ones"],
)
def test_what_is_no_onnx_is_told_in_one_line(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"net\.onnx: not an ONNX file") as refused:
        load_onnx(path)
    assert "\n" not in str(refused.value)


def test_every_cut_file_is_refused_or_known_to_run(tmp_path: Path) -> None:
    data = write(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "net.onnx"
    for length in range(0, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(ModelError) as refused:
            load_onnx(path)
        assert "\n" not in str(refused.value)


def test_onnx_runtime_tells_its_errors_in_one_line(tmp_path: Path) -> None:
    proto = model()
    proto.graph.node[-1].op_type = "NoSuchOperator"
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=r"net\.onnx: ONNX Runtime: ") as refused:
        load_onnx(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_package_is_told(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "net.onnx", Kind(layers=4))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModelError, match=r"ONNX files need more: pip install 'vsr-video\[onnx\]'"):
        load_onnx(path)


def test_nothing_is_learnt_from_one(tmp_path: Path) -> None:
    from vsr.networks.registry import weights_path

    path = write(tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="nothing learns from it"):
        weights_path(str(path), 2)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        load_onnx(tmp_path / "net.onnx")


def test_frames_of_several_workers_are_those_of_one(tmp_path: Path) -> None:
    loaded = load_model(str(write(tmp_path / "net.onnx")), 2)
    info = described("yuv444p", 40, 32)
    frames = noise(5, info)
    one, three = (
        list(restore(iter(frames), info, loaded, Engine((CPU,), "fp32", workers)))
        for workers in (1, 3)
    )
    assert_equal(three, one)
