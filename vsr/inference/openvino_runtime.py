"""Networks in OpenVINO, for Intel's integrated GPUs, which torch's own kernels do not reach well.

All but the convolutions stays in torch, in the host's memory. OpenVINO takes its time to compile a
network, for each size of picture anew. A recurrent network's cell, which sees parts of all sizes,
is compiled for the first one it is given, and once more for free sizes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from threading import Lock, local
from typing import Any

import torch
from torch import Tensor, nn

from vsr.networks.network import Network
from vsr.networks.recurrent import Recurrent

_HINTS = {"fp32": "f32", "fp16": "f16"}
_MOST_SIZES = 16  # of a network that sees windows: tiles at borders and corners have their own
_INSTALL = "pip install 'vsr-video[igpu]'"


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()


@cache
def gpu() -> str:
    """OpenVINO's name of the integrated GPU; "" where there is none, or no OpenVINO."""
    if find_spec("openvino") is None:
        return ""
    core = _core()
    names = [str(name) for name in core.available_devices if str(name).startswith("GPU")]
    kinds = {name: str(core.get_property(name, "DEVICE_TYPE")).lower() for name in names}
    return next((name for name in names if "integrated" in kinds[name]), "")


def gpu_title() -> str:
    """The name that its maker gave it."""
    return str(_core().get_property(gpu(), "FULL_DEVICE_NAME"))


def why_no_gpu() -> str:
    """Why `gpu` finds none."""
    if find_spec("openvino") is None:
        return f"OpenVINO is not installed: {_INSTALL}"
    there = ", ".join(map(str, _core().available_devices)) or "nothing"
    return f"OpenVINO finds no integrated Intel GPU here, but {there}"


def _converted(traced: Any, example: tuple[Tensor, ...]) -> Any:
    """A traced module as OpenVINO's graph.

    By the parts that `openvino.convert_model` is made of: that itself reports to its makers.
    """
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    reader = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=example)  # must outlast the work
    return reader.convert(reader.load(decoder))


def on_openvino(network: Network, precision: str) -> Network:
    """A float32 network, on the CPU, that OpenVINO's GPU computes in "fp32" or "fp16".

    A recurrent one is changed in place. An interpolation, which has learnt nothing, stays in torch.
    """
    if not any(True for _ in network.parameters()):
        return network
    if isinstance(network, Recurrent):
        cell = Compiled(_Cell(network), precision, most_sizes=1)

        def compute(inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
            detail, hidden = cell(inputs, mix)
            return detail, hidden

        network.cell = compute  # type: ignore[method-assign]
        return network
    return _Windowed(network, precision)


class _Windowed(Network):
    """A network that sees windows, computed by OpenVINO. It states what `network` states."""

    def __init__(self, network: Network, precision: str) -> None:
        super().__init__()
        self.network = network
        self.scale, self.context, self.color = network.scale, network.context, network.color
        self.chroma_kernel, self.receptive_field = network.chroma_kernel, network.receptive_field
        self.local, self.block, self.grid = network.local, network.block, network.grid
        self.large_layers, self.tile_error = network.large_layers, network.tile_error
        self.precisions = network.precisions
        self._compiled = Compiled(_Phases(network), precision, _MOST_SIZES)

    def subpixel(self, x: Tensor) -> Tensor:
        (phases,) = self._compiled(x)
        return phases

    def forward(self, x: Tensor) -> Tensor:
        return self.subpixel(x) if self.color == "rgb" else super().forward(x)


class _Phases(nn.Module):
    """What is compiled of a network that sees windows; of one for RGB, that is all of it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        large: Tensor = self.network(x) if self.network.color == "rgb" else self.network.subpixel(x)
        return large


class _Cell(nn.Module):
    """What is compiled of a recurrent network: as its `cell`, before that is replaced."""

    def __init__(self, network: Recurrent) -> None:
        super().__init__()
        self.network, self._cell = network, network.cell

    def forward(self, inputs: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        return self._cell(inputs, mix)


class Compiled:
    """A module of torch, compiled by OpenVINO for the sizes that it is called with.

    It may be called by several threads, each of which gets a request of its own.

    Args:
        module: float32 and on the CPU; takes tensors (N, C, H, W), and others of fixed size.
        precision: that it is computed in, "fp32" or "fp16".
        most_sizes: that get a compiled model of their own. For others there is one of free sizes.
    """

    def __init__(self, module: nn.Module, precision: str, most_sizes: int) -> None:
        self._module, self._most = module, most_sizes
        self._settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._models: dict[tuple[tuple[int, ...], ...] | None, Any] = {}
        self._lock, self._requests = Lock(), local()

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """What the module makes of these, float32."""
        request, taken = self._request(inputs)
        given = [x.float().contiguous().numpy() for x in inputs[:taken]]
        made = request.infer(given)
        return [torch.from_numpy(array) for array in made.to_tuple()]

    def _request(self, inputs: Sequence[Tensor]) -> tuple[Any, int]:
        """This thread's request to the model for such inputs, and how many of them it takes."""
        sizes: tuple[tuple[int, ...], ...] | None = tuple(tuple(x.shape) for x in inputs)
        with self._lock:
            if sizes not in self._models and len(self._models) >= self._most:
                sizes = None
            if sizes not in self._models:
                self._models[sizes] = self._compile(inputs, free=sizes is None)
            model = self._models[sizes]
        mine: dict[Any, Any] = self._requests.__dict__
        if sizes not in mine:
            mine[sizes] = model.create_infer_request()
        return mine[sizes], len(model.inputs)

    def _compile(self, inputs: Sequence[Tensor], free: bool) -> Any:
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which the tracer takes for fixed: they are
            example = tuple(torch.zeros(x.shape) for x in inputs)
            traced = torch.jit.trace(self._module, example, check_trace=False)  # type: ignore[no-untyped-call]
            graph = _converted(traced, example)
        ports = zip(graph.inputs, example, strict=False)  # what makes no difference is left out
        shapes = {port: list(x.shape) for port, x in ports}
        if free:
            for port, shape in shapes.items():
                if len(shape) == 4:
                    shapes[port] = [*shape[:2], -1, -1]
        graph.reshape(shapes)
        return _core().compile_model(graph, gpu(), self._settings)
