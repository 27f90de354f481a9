"""ONNX files of small networks, of all kinds that people have, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

onnx: Any = pytest.importorskip("onnx", reason="ONNX files need the extra onnx")
pytest.importorskip("onnxruntime", reason="ONNX files need the extra onnx")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT

_TYPES = {
    "float32": onnx.TensorProto.FLOAT,
    "float16": onnx.TensorProto.FLOAT16,
    "uint8": onnx.TensorProto.UINT8,
    "float64": onnx.TensorProto.DOUBLE,
}


@dataclass(frozen=True)
class Kind:
    """What a file takes and gives.

    Attributes:
        scale: the factor.
        channels: that go in and come out.
        size: rows and columns; None for free ones, by names.
        dtype: of the picture that goes in, and comes out.
        last: whether channels are the last side.
        layers: convolutions of 3x3, each with a reach of one pixel.
        unshuffle: whether it works on blocks of 2x2.
        looks_at_all: whether the mean of the picture has a say everywhere.
        batch: the first side.
    """

    scale: int = 2
    channels: int = 3
    size: tuple[int, int] | None = None
    dtype: str = "float32"
    last: bool = False
    layers: int = 2
    unshuffle: bool = False
    looks_at_all: bool = False
    batch: int | str = "n"


def model(kind: Kind = Kind()) -> Any:
    """The file's contents, as onnx has them."""
    graph = _Graph()
    x = "picture"
    if kind.dtype != "float32":
        x = graph.add("Cast", [x], to=FLOAT)
    if kind.dtype == "uint8":
        x = graph.add("Div", [x, graph.constant(np.float32(255))])
    if kind.last:
        x = graph.add("Transpose", [x], perm=[0, 3, 1, 2])
    shown = x
    channels, factor = kind.channels, kind.scale
    if kind.unshuffle:
        x = graph.add("SpaceToDepth", [x], blocksize=2)
        channels, factor = 4 * channels, 2 * factor
    for _ in range(kind.layers - 1):
        x = graph.add("Relu", [graph.convolution(x, channels, 8)])
        channels = 8
    if kind.looks_at_all:
        x = graph.add("Mul", [x, graph.add("GlobalAveragePool", [x])])
    x = graph.convolution(x, channels, kind.channels * factor**2, 0.05)
    x = graph.add("DepthToSpace", [x], blocksize=factor, mode="CRD")
    if kind.scale == 1:
        x = graph.add("Add", [x, shown])
    if kind.last:
        x = graph.add("Transpose", [x], perm=[0, 2, 3, 1])
    if kind.dtype == "uint8":
        level = graph.add("Round", [graph.add("Mul", [x, graph.constant(np.float32(255))])])
        x = graph.add("Clip", [level, graph.constant(0.0), graph.constant(255.0)])
    graph.add("Cast" if kind.dtype != "float32" else "Identity", [x], "large", **_to(kind))
    return made(graph.nodes, graph.weights, [port("picture", kind)], [port("large", kind, True)])


def write(path: Path, kind: Kind = Kind()) -> Path:
    """The file itself."""
    path.write_bytes(model(kind).SerializeToString())
    return path


def made(nodes: list[Any], weights: list[Any], inputs: list[Any], outputs: list[Any]) -> Any:
    """A model of a graph."""
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(
        graph, producer_name="a test", producer_version="1", opset_imports=opsets, ir_version=8
    )


def port(name: str, kind: Kind, large: bool = False) -> Any:
    """A picture as the graph declares it."""
    factor = kind.scale if large else 1
    sides: list[int | str] = ["height", "width"] if not large else ["tall", "wide"]
    if kind.size:
        sides = [side * factor for side in kind.size]
    shape = (
        [kind.batch, *sides, kind.channels] if kind.last else [kind.batch, kind.channels, *sides]
    )
    return helper.make_tensor_value_info(name, _TYPES[kind.dtype], shape)


def _to(kind: Kind) -> dict[str, int]:
    return {} if kind.dtype == "float32" else {"to": _TYPES[kind.dtype]}


class _Graph:
    """Nodes and weights, collected."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._random = np.random.default_rng(5)

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        name = f"w{len(self.weights)}"
        array: NDArray[Any] = np.asarray(value, np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def convolution(self, x: str, channels: int, features: int, gain: float = 0.3) -> str:
        weight = self._random.normal(0, gain, (features, channels, 3, 3))
        bias = self._random.uniform(0.1, 0.5, features)
        inputs = [x, self.constant(weight), self.constant(bias)]
        return self.add("Conv", inputs, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
