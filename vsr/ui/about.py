"""What the page is told of this vsr: models, device, languages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from vsr.networks import shelf
from vsr.networks.catalogue import catalogue, default_model, footage_model
from vsr.util.version import VERSION

from .names import to_text
from .orders import COMMANDS
from .settings import Settings

PAGE = Path(__file__).parent / "page"
"""The page's files."""

_SCRIPT = (
    "from vsr.core.options import ComputeOptions; from vsr.inference.devices import title; "
    "from vsr.inference.engine import choose_engine; "
    "engine = choose_engine(ComputeOptions()); print(title(engine.device), engine.precision)"
)
_PATIENCE = 120.0  # seconds for a device to be found


def about(settings: Settings, writable: bool) -> dict[str, Any]:
    """The facts for a page's beginning."""
    return {
        "version": VERSION,
        "folder": to_text(settings.folder.name),
        "writable": writable,
        "languages": sorted(path.stem for path in (PAGE / "texts").glob("*.json")),
        "commands": list(COMMANDS),
        "limits": {"upload": settings.max_upload},
        "jobs_at_once": settings.at_once,
        "device": known_device(),
        "models": _models(),
    }


_asking = Lock()
_device: list[str] = []


def known_device() -> str | None:
    """The device, where somebody has asked for it before."""
    return _device[0] if _device else None


def device() -> str:
    """What jobs compute on unless told otherwise, and in what precision; "" if nobody can tell.

    Asked once, in a process of its own: a server that has once looked at a GPU would take memory
    there.
    """
    with _asking:
        if not _device:
            _device.append(_ask())
        return _device[0]


def _ask() -> str:
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-c", _SCRIPT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip()


def _models() -> list[dict[str, Any]]:
    """All that have names, those to choose from first."""
    found: dict[str, dict[str, Any]] = {}
    for card in sorted(catalogue(True), key=lambda card: bool(card.group)):
        entry = found.setdefault(
            card.name,
            {
                "name": card.name,
                "scales": [],
                "says": card.summary,
                "group": card.group,
                "default": card.name == default_model(),
                "default_for_footage": card.name == footage_model(),
            },
        )
        entry["scales"].append(card.scale)
    own = [
        {"name": one.name, "scales": list(one.scales), "says": one.architecture, "group": "own"}
        for one in shelf.shelved()
    ]
    return [*found.values(), *own]
