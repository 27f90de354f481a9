"""Running an ONNX file: float32 pictures in, float32 pictures out, whatever it takes itself."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from vsr.core.errors import ModelError
from vsr.networks.onnx_file import OnnxFile
from vsr.util.text import one_line

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Pictures = NDArray[np.float32]
"""(N, C, H, W) float32 in [0, 1], about."""

_FATAL_ONLY = 4  # of ONNX Runtime's levels of logging: its errors are raised as well
_LEVELS = 255
_OUT_OF_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation")


class OnnxSession:
    """An ONNX file on the CPU, by as many threads as torch has where it is called.

    It may be called by several threads, and copies are the same one.

    Args:
        file: what is run.
        channels_last: whether it takes and gives (N, H, W, C).
    """

    def __init__(self, file: OnnxFile, channels_last: bool) -> None:
        self.file, self.channels_last = file, channels_last
        self._by_threads: dict[int, InferenceSession] = {}
        self._lock = Lock()

    def __deepcopy__(self, _memo: dict[int, Any]) -> OnnxSession:
        return self

    def __call__(self, pictures: Pictures) -> Pictures:
        """(N, C, H, W) -> (N, C', H', W').

        Raises ModelError where the file cannot be run so, MemoryError where memory does not
        suffice.
        """
        session = self._session(torch.get_num_threads())
        given = pictures.transpose(0, 2, 3, 1) if self.channels_last else pictures
        typed = _as_type(given, self.file.input.dtype)
        try:
            (made,) = session.run(None, {self.file.input.name: typed})
        except Exception as error:  # its classes have no common base but this
            raise self._told(error) from None
        if made.ndim != 4:
            raise ModelError(f"{self.file.path}: gives {made.ndim} sides: must give 4")
        floats: Pictures = made.astype(np.float32)
        if self.file.output.dtype == "uint8":
            floats /= _LEVELS
        return floats.transpose(0, 3, 1, 2) if self.channels_last else floats

    def _session(self, threads: int) -> InferenceSession:
        with self._lock:
            if threads not in self._by_threads:
                self._by_threads[threads] = self._opened(threads)
            return self._by_threads[threads]

    def _opened(self, threads: int) -> InferenceSession:
        try:
            import onnxruntime as ort  # of an extra
        except ImportError:
            raise ModelError(
                f"{self.file.path}: ONNX files need more: pip install 'vsr-video[onnx]'"
            ) from None
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        options.enable_cpu_mem_arena = False  # an arena never gives back what one picture took
        options.enable_mem_pattern = False  # of one size only
        try:
            return ort.InferenceSession(self.file.data, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise self._told(error) from None

    def _told(self, error: Exception) -> Exception:
        words = one_line(error, 300)
        if isinstance(error, MemoryError) or any(s in words.lower() for s in _OUT_OF_MEMORY):
            return MemoryError(words)
        return ModelError(f"{self.file.path}: ONNX Runtime: {words}")


def _as_type(pictures: Pictures, dtype: str) -> NDArray[Any]:
    if dtype == "uint8":
        return np.rint(np.clip(pictures, 0, 1) * _LEVELS).astype(np.uint8)
    return np.ascontiguousarray(pictures, dtype=dtype)
