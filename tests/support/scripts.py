"""Scripts of benchmarks/ as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from support.paths import ROOT


def script_of(name: str) -> Path:
    """Where a benchmark lies."""
    return ROOT / "benchmarks" / f"{name}.py"


def loaded(name: str) -> ModuleType:
    """A benchmark, without running it; it finds those beside it, as when it runs."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", script_of(name))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their annotations up there
    sys.path.insert(0, str(script_of(name).parent))
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.path[0]
    return module
