"""The packages stand on each other in one order: no import runs up, and none in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").is_file())
_FOLDERS = {"vsr": _ROOT / "vsr", "vsr.cli": _ROOT / "cli", "vsr.weights": _ROOT / "weights"}

# From the bottom up. A package imports only from lines below its own, so packages of one line
# know nothing of each other. A module may stand apart from its package.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("vsr.util", "vsr.weights"),
    ("vsr.core",),
    ("vsr.networks", "vsr.degradation", "vsr.images", "vsr.video"),
    ("vsr.figures", "vsr.pages", "vsr.datasets", "vsr.inference", "vsr.remux"),
    ("vsr.encoding", "vsr.live", "vsr.provenance", "vsr.model_selection"),
    ("vsr.output", "vsr.evaluation", "vsr.speedtest"),
    ("vsr.pipeline", "vsr.training"),
    ("vsr.segmented", "vsr.adaptation"),
    ("vsr.cluster", "vsr.zero_shot"),
    ("vsr.api", "vsr.arrays"),
    ("vsr.upscaler",),
    ("vsr.estimation", "vsr.batch"),
    ("vsr.previews", "vsr.fusion", "vsr.consistency"),
    ("vsr",),  # the names that users import
    ("vsr.ui",),
    ("vsr.cli",),
)

# Modules, and the packages that they still import though those lie higher. It must shrink to
# nothing: an entry that is not needed any more fails, too.
_NOT_YET: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, order=True)
class Import:
    """A line of a module, and the module or package that it imports from."""

    module: str
    line: int
    target: str


def modules_of(folders: Mapping[str, Path]) -> dict[str, Path]:
    """All modules by their dotted names; a package is its __init__. The longest name counts."""
    found: dict[str, Path] = {}
    for package, folder in folders.items():
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join([package, *parts])] = file
    return found


def imports_of(modules: Mapping[str, Path]) -> Iterator[Import]:
    """Every import of one of `modules` by another: in functions and for types alone, too."""
    for module, file in modules.items():
        for node in ast.walk(ast.parse(file.read_text(), str(file))):
            for target in _targets(node, module, file, modules):
                if target in modules and target != module:
                    yield Import(module, getattr(node, "lineno", 0), target)


def _targets(node: ast.AST, module: str, file: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        package = module.split(".")
        if file.stem != "__init__":
            package.pop()
        above = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in modules else base


def unit_of(module: str, layers: Sequence[tuple[str, ...]]) -> str | None:
    """The entry of `layers` that a module belongs to; "vsr" itself holds nothing but itself."""
    named = {unit for layer in layers for unit in layer}
    parts = module.split(".")
    if len(parts) == 1:
        return module if module in named else None
    longer = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((name for name in longer if name in named), None)


def homeless(modules: Iterable[str], layers: Sequence[tuple[str, ...]]) -> list[str]:
    """The modules that are in no layer."""
    return sorted(module for module in modules if unit_of(module, layers) is None)


def arrows(
    imports: Iterable[Import], layers: Sequence[tuple[str, ...]]
) -> dict[tuple[str, str], list[Import]]:
    """The imports from one entry of `layers` to another, by both."""
    found: dict[tuple[str, str], list[Import]] = {}
    for each in sorted(imports):
        one, other = unit_of(each.module, layers), unit_of(each.target, layers)
        if one and other and one != other:
            found.setdefault((one, other), []).append(each)
    return found


def climbing(
    imports: Iterable[Import],
    layers: Sequence[tuple[str, ...]],
    allowed: Collection[tuple[str, str]] = (),
) -> list[str]:
    """The imports that do not run down, one a line, and those allowed that there are not.

    `allowed` are modules and the entries of `layers` that each may import all the same.
    """
    height = {unit: number for number, layer in enumerate(layers) for unit in layer}
    told: list[str] = []
    spare = set(allowed)
    for (one, other), lines in arrows(imports, layers).items():
        for each in lines if height[other] >= height[one] else ():
            if (each.module, other) in allowed:
                spare.discard((each.module, other))
            else:
                told.append(f"{one} -> {other}: {each.module}:{each.line} imports {each.target}")
    return told + [f"{one} -> {other}: is allowed, but not there" for one, other in sorted(spare)]


def circles(edges: Iterable[tuple[str, str]]) -> list[str]:
    """Groups of names that reach each other, one a line."""
    following: dict[str, set[str]] = {}
    for one, other in edges:
        following.setdefault(one, set()).add(other)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = following.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    reach = {name: reached(name) for name in following}
    rings = {
        tuple(sorted(o for o in found if name in reach.get(o, ())))
        for name, found in reach.items()
        if name in found
    }
    return [" <-> ".join(ring) for ring in sorted(rings)]


def package_of(module: str) -> str:
    """The package below vsr that a module is in; vsr's own modules count by themselves."""
    return ".".join(module.split(".")[:2])


def between_packages(imports: Iterable[Import]) -> set[tuple[str, str]]:
    """Which packages import which."""
    edges = {(package_of(each.module), package_of(each.target)) for each in imports}
    return {(one, other) for one, other in edges if one != other}


MODULES = modules_of(_FOLDERS)
IMPORTS = list(imports_of(MODULES))


def _lines(found: Sequence[str]) -> str:
    return "".join(f"\n  {line}" for line in found)


def test_every_package_is_in_a_layer() -> None:
    found = homeless(MODULES, LAYERS)
    assert not found, f"in no layer:{_lines(found)}"
    units = [unit for layer in LAYERS for unit in layer]
    assert len(units) == len(set(units))
    assert set(units) <= set(MODULES)


def test_imports_run_down() -> None:
    found = climbing(IMPORTS, LAYERS, _NOT_YET)
    assert not found, f"these run up:{_lines(found)}"


def test_there_are_no_circles_of_packages() -> None:
    found = circles(
        between_packages(
            each for each in IMPORTS if (each.module, package_of(each.target)) not in _NOT_YET
        )
    )
    assert not found, f"these import each other:{_lines(found)}"


def test_there_are_no_circles_of_modules() -> None:
    found = circles((each.module, each.target) for each in IMPORTS)
    assert not found, f"these import each other:{_lines(found)}"


def test_the_page_has_all_packages_from_the_top_down() -> None:
    page = (_ROOT / "docs/pages/internals/architecture.md").read_text("utf-8")
    table = page.split("\n| packages,", 1)[1].split("\n\n", 1)[0]
    rows = [name if name == "vsr" else f"vsr.{name}" for name in re.findall(r"\n\| `(\w+)`", table)]
    packages = {package_of(module) for module in MODULES}
    assert sorted(rows) == sorted(packages)
    order = {package: number for number, package in enumerate(rows)}
    up = [
        each for each in IMPORTS if order[package_of(each.module)] > order[package_of(each.target)]
    ]
    assert not up, f"these run up in the page's table:{_lines(up)}"


# That these can fail: a small tree of their own.

_TREE = {
    "vsr/__init__.py": "",
    "vsr/low/__init__.py": "",
    "vsr/low/a.py": "import math\nfrom vsr.low.b import x\n",
    "vsr/low/b.py": "x = 1\n",
    "vsr/high/__init__.py": "",
    "vsr/high/c.py": "from vsr.low import a\n",
    "vsr/top.py": "import vsr.high.c\n",
}
_LOW_HIGH = (("vsr.low",), ("vsr.high",), ("vsr.top",), ("vsr",))


def _tree(folder: Path, **changed: str) -> tuple[dict[str, Path], list[Import]]:
    files = _TREE | {f"vsr/{name.replace('__', '/')}.py": text for name, text in changed.items()}
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    modules = modules_of({"vsr": folder / "vsr"})
    return modules, list(imports_of(modules))


def test_nobody_has_libavs_log_told_to_python() -> None:
    """A decoder's thread that logs waits for Python, which may wait for it, closing a decoder."""
    modules = [path for folder in _FOLDERS.values() for path in folder.rglob("*.py")]
    assert modules
    assert [path for path in modules if "av.logging" in path.read_text(encoding="utf-8")] == []


def test_a_tree_in_order_passes(tmp_path: Path) -> None:
    modules, imports = _tree(tmp_path)
    assert set(modules) >= {"vsr", "vsr.low", "vsr.low.a", "vsr.high.c", "vsr.top"}
    assert homeless(modules, _LOW_HIGH) == []
    assert climbing(imports, _LOW_HIGH) == []
    assert circles((each.module, each.target) for each in imports) == []
    assert set(arrows(imports, _LOW_HIGH)) == {("vsr.high", "vsr.low"), ("vsr.top", "vsr.high")}


@pytest.mark.parametrize(
    "text",
    [
        "from vsr.high.c import y\n",
        "from vsr.high import c\n",
        "import vsr.high.c as c\n",
        "from ..high import c\n",
        "from ..high.c import y\n",
        "def late() -> None:\n    from vsr.high import c\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from vsr.high.c import y\n",
    ],
)
def test_an_import_that_runs_up_is_found_wherever_it_stands(tmp_path: Path, text: str) -> None:
    _, imports = _tree(tmp_path, low__b=text)
    (line,) = climbing(imports, _LOW_HIGH)
    assert line.startswith("vsr.low -> vsr.high: vsr.low.b:")
    assert line.endswith("imports vsr.high.c")
    assert circles(between_packages(imports)) == ["vsr.high <-> vsr.low"]
    (ring,) = circles((each.module, each.target) for each in imports)
    assert ring == "vsr.high.c <-> vsr.low.a <-> vsr.low.b"
    assert climbing(imports, _LOW_HIGH, {("vsr.low.b", "vsr.high")}) == []


def test_packages_of_one_line_do_not_import_each_other(tmp_path: Path) -> None:
    _, imports = _tree(tmp_path)
    (line,) = climbing(imports, (("vsr.low", "vsr.high"), ("vsr.top",)))
    assert line == "vsr.high -> vsr.low: vsr.high.c:1 imports vsr.low.a"


def test_an_allowed_arrow_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, imports = _tree(tmp_path)
    (line,) = climbing(imports, _LOW_HIGH, {("vsr.low.b", "vsr.top")})
    assert line == "vsr.low.b -> vsr.top: is allowed, but not there"


def test_a_package_in_no_layer_is_told(tmp_path: Path) -> None:
    modules, _ = _tree(tmp_path, new__d="")
    assert homeless(modules, _LOW_HIGH) == ["vsr.new.d"]


def test_a_module_may_stand_apart_from_its_package(tmp_path: Path) -> None:
    layers = (("vsr.low.b",), ("vsr.low",), ("vsr.high",), ("vsr.top",), ("vsr",))
    _, imports = _tree(tmp_path)
    assert climbing(imports, layers) == []
    assert ("vsr.low", "vsr.low.b") in arrows(imports, layers)
