"""What is shipped, what is public, and what the library never does."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from support.paths import ROOT

import vsr

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LIBRARY = sorted((ROOT / "vsr").rglob("*.py"))
SHELL = sorted((ROOT / "cli").rglob("*.py"))


def package(file: Path) -> str:
    """The package that a file is installed in: cli and weights move into vsr."""
    parts = file.parent.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "vsr" else ("vsr", *parts))


def test_every_folder_with_code_is_installed() -> None:
    found = {
        package(file) for top in ("vsr", "cli", "weights") for file in ROOT.glob(f"{top}/**/*.py")
    }
    setuptools = PROJECT["tool"]["setuptools"]
    assert setuptools["packages"] == sorted(found)
    assert setuptools["package-dir"] == {"vsr": "vsr", "vsr.cli": "cli", "vsr.weights": "weights"}


def test_every_package_is_one() -> None:
    for file in [*LIBRARY, *SHELL, *ROOT.glob("weights/*.py")]:
        assert (file.parent / "__init__.py").is_file(), file.parent


def test_data_files_are_installed() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    shipped = [path for path in (ROOT / "weights").iterdir() if path.suffix not in (".py", "")]
    for path in shipped:
        assert any(path.match(pattern) for pattern in data["vsr.weights"]), path
    assert files("vsr.weights").joinpath("manifest.toml").is_file()
    assert "py.typed" in data["vsr"]
    assert files("vsr").joinpath("py.typed").is_file()


@pytest.mark.parametrize("place", ["__main__.py", "cli", "cli.py", "weights", "weights.py"])
def test_places_that_belong_to_others_stay_free(place: str) -> None:
    # vsr.cli and vsr.weights are the folders beside vsr/
    assert not (ROOT / "vsr" / place).exists()


def test_public_names() -> None:
    assert vsr.__all__ == sorted(vsr.__all__)
    assert len(set(vsr.__all__)) == len(vsr.__all__)
    for name in vsr.__all__:
        assert getattr(vsr, name) is not None
    scope: dict[str, object] = {}
    exec("from vsr import *", scope)
    assert scope.keys() - {"__builtins__"} == set(vsr.__all__)


def test_an_old_name_still_serves() -> None:
    with pytest.warns(DeprecationWarning, match=r"vsr\.Weights .*: use vsr\.ModelCard") as caught:
        assert vsr.Weights is vsr.ModelCard
    assert [one.filename for one in caught] == [__file__]
    assert "Weights" not in vsr.__all__


def test_type_checkers_see_every_public_name() -> None:
    tree = ast.parse((ROOT / "vsr/__init__.py").read_text("utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vsr.")
        for alias in node.names
    }
    assert imported == set(vsr.__all__)


def test_the_package_alone_loads_quickly() -> None:
    code = "import sys, vsr; dir(vsr); assert not {'torch', 'av', 'cv2'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vsr.nothing  # noqa: B018


def test_every_public_name_says_what_it_is() -> None:
    for name in vsr.__all__:
        assert getattr(vsr, name).__doc__, name


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(module, level) of every import statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def parsed(file: Path) -> ast.AST:
    return ast.parse(file.read_text("utf-8"), str(file))


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_library_keeps_to_itself(file: Path) -> None:
    tree = parsed(file)
    for module, _ in imports(tree):
        assert module.split(".")[0] not in ("click", "tqdm", "argparse"), module
        assert not module.startswith("vsr.cli"), module
    for call in calls(tree):
        # nothing printed, nothing asked, no way out but return and raise
        assert call not in ("print", "input", "exit", "quit", "breakpoint"), call
        assert call not in ("sys.exit", "os.abort", "SystemExit"), call
        # a worker process ends with its parent, from whatever thread
        assert call != "os._exit" or file.name == "worker.py", call
        # a pipe's writer flushes what was printed before standard output is its own
        flushes = call == "sys.stdout.flush" and file.name == "outlet.py"
        assert flushes or not call.startswith(("sys.stdout", "sys.stderr")), call
        # nothing that runs what a file says
        assert call not in ("eval", "exec", "__import__", "os.system", "pickle.load"), call
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            assert not ast.unparse(node.exc).startswith("SystemExit")


@pytest.mark.parametrize("file", SHELL, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_shells_files_import_each_other_relatively(file: Path) -> None:
    for module, level in imports(parsed(file)):
        assert module.split(".")[0] != "cli", module
        assert not module.startswith("vsr.cli"), module
        assert level <= 1


def test_weights_are_read_as_package_data() -> None:
    for file in [*LIBRARY, *SHELL]:
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.startswith(("weights/", "../weights")), file
