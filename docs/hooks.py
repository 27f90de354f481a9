"""What the site takes from elsewhere in the project, so that each fact has one place.

The images of docs/ become images/, CHANGELOG.md becomes a page, and `<!-- models -->` and
`<!-- licences -->` in a page become tables of weights/manifest.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the images and the changelog."""
    for image in sorted((ROOT / "docs").iterdir()):
        if image.suffix in (".jpg", ".png"):
            files.append(File.generated(config, f"images/{image.name}", abs_src_path=str(image)))
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    files.append(File.generated(config, "changelog.md", content=changelog))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables in."""
    for mark, table in (("<!-- models -->", _models), ("<!-- licences -->", _licences)):
        if mark in markdown:
            markdown = markdown.replace(mark, "\n".join(table()))
    return markdown


def _weights() -> list[dict[str, Any]]:
    weights: list[dict[str, Any]] = tomllib.loads(
        (ROOT / "weights/manifest.toml").read_text("utf-8")
    )["weights"]
    return weights


def _models() -> Iterator[str]:
    yield "| model | scale | Set5 | Set14 | aspen | parameters | GMACs |"
    yield "|---|---|---|---|---|---|---|"
    for entry in _weights():
        scores = entry.get("scores", {})
        columns = [" / ".join(_scores(scores.get(name, {}))) for name in ("Set5", "Set14", "aspen")]
        cost = f"{entry.get('parameters', 0):,} | {entry.get('gmacs', 0):.2f}"
        yield f"| {entry['name']} | x{entry['scale']} | {' | '.join(columns)} | {cost} |"


def _scores(score: dict[str, float]) -> Iterator[str]:
    for name, digits in (("psnr", 2), ("ssim", 4), ("dtssd", 2)):
        if name in score:
            yield f"{score[name]:.{digits}f}"


def _licences() -> Iterator[str]:
    yield "| model | scale | weights | trained on | licence of that material |"
    yield "|---|---|---|---|---|"
    for entry in _weights():
        if entry.get("file"):
            facts = (entry.get(key, "") for key in ("licence", "trained_on", "data_licence"))
            yield f"| {entry['name']} | x{entry['scale']} | {' | '.join(facts)} |"
