"""What an ONNX file takes for a picture: memory and multiplications, by its tensors' sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from vsr.networks.onnx_file import OnnxFile

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_LARGEST = 64 * 64  # pixels of a picture of which all tensors are held at once
_UNKNOWN = 64  # channels of float32, of a graph that nothing is known of
_BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2}  # of TensorProto's types


@dataclass(frozen=True)
class PerPixel:
    """For each pixel of the input.

    Attributes:
        memory: bytes of tensors that are alive at a time, at most.
        macs: multiplications with addition, those of convolutions and matrix products.
    """

    memory: float
    macs: float


@dataclass(frozen=True)
class _Sizes:
    """Of tensors, by their names: their sides, 0 for what is not known, and their bytes."""

    shapes: dict[str, tuple[int, ...]]
    bytes: dict[str, int]


def per_pixel(file: OnnxFile, given: tuple[int, ...]) -> PerPixel:
    """What a file takes for pictures of the shape `given`, one that it can be run with.

    A small one is run with all its tensors shown, as a graph for all sizes tells little of them;
    else they are inferred.
    """
    import onnx  # of an extra

    pixels = prod(sorted(given)[-2:])  # channels are fewer
    model = onnx.ModelProto.FromString(file.data)
    try:
        sizes = _run(model, file, given) if pixels <= _LARGEST else _inferred(model, file, given)
    except Exception:  # of several kinds: nothing is known then
        return PerPixel(4 * _UNKNOWN, 0)
    sizes.shapes.update({tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer})
    return PerPixel(
        _peak(model.graph.node, sizes.bytes, 4 * _UNKNOWN * pixels) / pixels,
        sum(_macs(node, sizes.shapes) for node in model.graph.node) / pixels,
    )


def _run(model: ModelProto, file: OnnxFile, given: tuple[int, ...]) -> _Sizes:
    """Of all tensors of a picture that is run, unoptimised, with each of them as an output."""
    import onnxruntime as ort  # of an extra

    names = list(dict.fromkeys(name for node in model.graph.node for name in node.output if name))
    shown = type(model)()
    shown.CopyFrom(model)
    del shown.graph.output[:]
    for name in names:
        shown.graph.output.add(name=name)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = ort.InferenceSession(
        shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    picture = np.zeros(given, file.input.dtype)
    made = session.run(names, {file.input.name: picture})
    tensors = {name: np.asarray(one) for name, one in zip(names, made, strict=True)}
    tensors[file.input.name] = picture
    return _Sizes(
        {name: one.shape for name, one in tensors.items()},
        {name: one.nbytes for name, one in tensors.items()},
    )


def _inferred(model: ModelProto, file: OnnxFile, given: tuple[int, ...]) -> _Sizes:
    """Of all tensors whose sides follow from those of the picture."""
    from onnx.shape_inference import infer_shapes

    (picture,) = (one for one in model.graph.input if one.name == file.input.name)
    for dim, side in zip(picture.type.tensor_type.shape.dim, given, strict=True):
        dim.dim_value = side
    graph = infer_shapes(model, data_prop=True).graph
    kinds = {one.name: one.type.tensor_type for one in [*graph.value_info, *graph.output, picture]}
    shapes = {name: tuple(dim.dim_value for dim in kind.shape.dim) for name, kind in kinds.items()}
    return _Sizes(
        shapes,
        {name: prod(shapes[name]) * _BYTES.get(kind.elem_type, 8) for name, kind in kinds.items()},
    )


def _macs(node: NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Of one node; 0 where its shapes are not known."""
    made = prod(shapes.get(node.output[0], (0,))) if node.output else 0
    given = [shapes.get(name, (0,)) for name in node.input]
    if node.op_type == "Conv":
        return made * prod(given[1][1:])
    if node.op_type == "ConvTranspose":
        return prod(given[0]) * prod(given[1][1:])
    if node.op_type in ("MatMul", "Gemm"):
        return made * given[0][-1]
    return 0


def _peak(nodes: Sequence[NodeProto], sizes: Mapping[str, int], unknown: int) -> int:
    """The most bytes that are alive while nodes run one after the other.

    A tensor that nothing is known of counts as the largest of the others, or `unknown`.
    """
    largest = max(sizes.values(), default=0) or unknown
    last: dict[str, int] = {}
    for number, node in enumerate(nodes):
        last.update(dict.fromkeys(node.input, number))
    alive = peak = 0
    held: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for name in node.output:
            held[name] = sizes.get(name) or largest
            alive += held[name]
        peak = max(peak, alive)
        for name in [one for one in held if last.get(one, number) <= number]:
            alive -= held.pop(name)
    return peak
