"""What tests of the page share: a browser, who visits with it, and a folder that is served.

Modules that use a browser import `support.ui_pages` themselves, and skip where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import clips
from support.ui_servers import Process, started


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from support.ui_pages import chromium

    with chromium() as one:
        yield one


@pytest.fixture
def visitors(browser: Any) -> Iterator[Any]:
    from support.ui_pages import Visitors

    some = Visitors(browser)
    yield some
    some.close()
    assert some.wrong == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A served folder with a clip of two seconds, of which each frame is another."""
    made = tmp_path_factory.mktemp("served")
    clips.make(made / "clip.mp4", clips.TWO_SECONDS)
    return made


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(folder, tmp_path_factory.mktemp("state")) as one:
        yield one
