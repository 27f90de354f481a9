"""An ONNX file: what it says of itself and of its picture in and out, before anything is run.

Whoever gets a file from elsewhere need not trust it: operators that are not ONNX's or ONNX
Runtime's own are refused, and so are weights in other files and what loads more files.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vsr.core.errors import ModelError
from vsr.networks.model_path import model_file_facts
from vsr.util.text import counted, one_line, shown

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

SUFFIX = ".onnx"
METADATA = "vsr"
"""The key of the file's metadata under which `OwnFacts` stand."""

_LARGEST = 2**31 - 1  # bytes of a protobuf message
_DTYPES = {1: "float32", 2: "uint8", 10: "float16"}  # TensorProto's numbers
_EXTERNAL = 1  # TensorProto.EXTERNAL
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}  # built into ONNX Runtime
_FOREIGN_OPERATORS = {"EPContext"}  # loads what is no ONNX
_FRAMES = (1, 3, 5)  # that our own networks for luma see at once
_REACHES = range(1, 2048, 2)


@dataclass(frozen=True)
class Port:
    """A picture that goes in or comes out.

    Attributes:
        name: in the graph.
        dtype: "float32" or "float16" in [0, 1], or "uint8" in 0..255.
        shape: its four sides; None for those that are free.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sides = "x".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} {sides} {self.dtype}"


@dataclass(frozen=True)
class OwnFacts:
    """What vsr writes into the files that it exports, so that they are read exactly.

    Attributes:
        model: its name.
        scale, context, color, chroma_kernel, receptive_field, local, block: as
            `vsr.networks.Network` has them.
    """

    model: str
    scale: int
    context: int
    color: str
    chroma_kernel: str
    receptive_field: int
    local: bool = True
    block: int = 1

    def written(self) -> str:
        """As the metadata holds it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class OnnxFile:
    """A network for single pictures, or one of our own, in ONNX.

    Attributes:
        path: where it was read.
        data: all of it.
        sha256: of that.
        producer: what wrote it, such as "pytorch 2.13.0"; "" where it does not say.
        opset: of ONNX's own operators.
        input, output: the picture that goes in, and the one that comes out.
        weights: how many numbers it has learnt.
        own: the facts of a file that vsr has exported.
    """

    path: Path
    data: bytes
    sha256: str
    producer: str
    opset: int
    input: Port
    output: Port
    weights: int
    own: OwnFacts | None = None


def read_onnx(path: Path) -> OnnxFile:
    """Read and check a file. Raises ModelError, in one line, for what vsr cannot run."""
    data = _bytes_of(path)
    model = _parsed(path, data)
    _check_operators(path, model)
    tensors = list(_tensors(model))
    if any(tensor.data_location == _EXTERNAL for tensor in tensors):
        raise ModelError(
            f"{path}: keeps weights in other files; make one of them: "
            "onnx.save(onnx.load(FILE), NEW_FILE)"
        )
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [port for port in model.graph.input if port.name not in weights]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        takes = ", ".join(one.name for one in inputs)
        gives = ", ".join(one.name for one in model.graph.output)
        raise ModelError(
            f"{path}: takes {shown(takes, 100)} and gives {shown(gives, 100)}: must be one "
            "picture in, and one out"
        )
    return OnnxFile(
        path=path,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        opset=max(
            (one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0
        ),
        input=_port(path, inputs[0]),
        output=_port(path, model.graph.output[0]),
        weights=sum(math.prod(tensor.dims) for tensor in tensors if tensor.dims),
        own=_own_facts(path, model),
    )


def _bytes_of(path: Path) -> bytes:
    if model_file_facts(path).st_size > _LARGEST:
        raise ModelError(f"{path}: is larger than the 2 GiB that an ONNX file can be")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None


def _parsed(path: Path, data: bytes) -> ModelProto:
    try:
        import onnx  # of an extra
        from google.protobuf.message import DecodeError
    except ImportError:
        raise ModelError(f"{path}: ONNX files need more: pip install 'vsr-video[onnx]'") from None
    try:
        model: ModelProto = onnx.ModelProto.FromString(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not an ONNX file ({one_line(error, 200)})") from None
    if not model.opset_import or not model.graph.node:
        raise ModelError(f"{path}: not an ONNX file (it has no graph)")
    return model


def _check_operators(path: Path, model: ModelProto) -> None:
    """Raise ModelError for operators that neither ONNX Runtime nor the file itself defines."""
    functions = {(one.domain, one.name) for one in model.functions}
    bodies = [model.graph.node, *(one.node for one in model.functions)]
    for node in (node for body in bodies for node in _nodes(body)):
        known = node.domain in _DOMAINS or (node.domain, node.op_type) in functions
        if not known or node.op_type in _FOREIGN_OPERATORS:
            name = f"{node.domain}.{node.op_type}".strip(".")
            raise ModelError(
                f"{path}: has the operator {shown(name, 80)}: must be of ONNX or ONNX Runtime "
                "themselves, as others are code to load"
            )


def _nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """All nodes, those of graphs within nodes, such as loops, among them."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _nodes(graph.node)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """All constant tensors, wherever they stand."""
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)


def _of_graph(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                yield from _of_graph(inner)


def _port(path: Path, value: ValueInfoProto) -> Port:
    kind = value.type.tensor_type
    if kind.elem_type not in _DTYPES:
        raise ModelError(
            f"{path}: {value.name} holds numbers of type {kind.elem_type}: must be "
            f"{', '.join(_DTYPES.values())}"
        )
    sides = kind.shape.dim
    if len(sides) != 4:
        raise ModelError(
            f"{path}: {value.name} has {counted(len(sides), 'side')}: must have 4, such as those "
            "of (N, 3, H, W)"
        )
    shape = tuple(s.dim_value if s.WhichOneof("value") == "dim_value" else None for s in sides)
    if any(side is not None and side < 1 for side in shape):
        shape = tuple(side if side and side > 0 else None for side in shape)  # 0 and -1: free
    return Port(value.name, _DTYPES[kind.elem_type], shape)


def _own_facts(path: Path, model: ModelProto) -> OwnFacts | None:
    """The facts of a file that vsr has exported, each of its type. Raises ModelError."""
    words = {one.key: one.value for one in model.metadata_props}.get(METADATA)
    if words is None:
        return None
    try:
        facts: dict[str, Any] = json.loads(words)
        usual = {"local": True, "block": 1}  # of files that were written without them
        facts = usual | facts
        own = OwnFacts(**{name: facts[name] for name in OwnFacts.__dataclass_fields__})
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ModelError(f"{path}: what it says of itself is damaged") from None
    numbers = (own.scale, own.context, own.receptive_field)
    is_sound = (
        all(type(number) is int for number in numbers)
        and 1 <= own.scale <= 8
        and 2 * own.context + 1 in _FRAMES
        and own.receptive_field in _REACHES
        and own.color in ("y", "rgb")
        and own.chroma_kernel in ("cubic", "nearest")
        and type(own.local) is bool
        and own.block in (1, 2, 4)
    )
    if not is_sound:
        raise ModelError(f"{path}: what it says of itself makes no sense: {shown(words, 200)}")
    return own
