"""What the documentation names exists: commands, their flags, files and classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import click
import pytest

from vsr.cli.commands import vsr

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").is_file())
PAGES = sorted((ROOT / "docs/pages").rglob("*.md"))
PAGES += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

_COMMAND = re.compile(r"(?:^|[\s`;|&(])(?:\.venv/bin/)?vsr ([a-z]+(?:-[a-z]+)*)\b([^`\n]*)")
_FLAG = re.compile(r"(?<!\S)(--[a-z][a-z-]*|-[A-Za-z])(?=[\s=,`.)]|$)")
_PATH = re.compile(
    r"(?<![\w/.])((?:vsr|cli|tests|benchmarks|samples|examples|weights|docs|\.ci)/[\w/.-]*\w)"
)
_NAME = re.compile(r"[`*]([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)(?=[`*(.])")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Words that only look like the name of a class of ours.
_FOREIGN = {"MkDocs", "GitHub", "TimeoutStopSec"}
# Flags of Ray's and of pip's, and a file that a guide writes.
_FOREIGN_FLAGS = {
    "--num-cpus",
    "--port",
    "--min-worker-port",
    "--max-worker-port",
    "--node-manager-port",
    "--object-manager-port",
    "--no-deps",
}
_EXAMPLES = {"vsr/networks/xnet.py"}

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES]
)


def options() -> dict[str, set[str]]:
    """The flags that each command shows in its help, with those of its subcommands."""
    context = click.Context(vsr)
    found = {}
    for name in vsr.list_commands(context):
        command = vsr.get_command(context, name)
        assert command is not None
        below = command.commands.values() if isinstance(command, click.Group) else ()
        shown = [
            param
            for each in (command, *below)
            for param in each.params
            if isinstance(param, click.Option) and not param.hidden
        ]
        flags = {flag for param in shown for flag in (*param.opts, *param.secondary_opts)}
        found[name] = flags | {"-h", "--help"}
    return found


def text_of(page: Path) -> str:
    """A page, with lines that end in a backslash joined to the next."""
    return re.sub(r"\\\n\s*", " ", page.read_text("utf-8"))


def code_of(text: str) -> Iterator[str]:
    """Blocks of code line by line, and code within lines."""
    fenced = indented = False
    before = ""
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        indented = line.startswith("    ") and (indented or not before.strip())
        before = line
        if fenced or indented:
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def unknown_words(text: str, known: dict[str, set[str]]) -> list[str]:
    """Commands and flags in code that there are not."""
    wrong = []
    for code in code_of(text):
        for name, rest in _COMMAND.findall(code):
            if name not in known:
                wrong.append(f"vsr {name}")
                continue
            arguments = re.split(r"\s[#|&;]|[;)]", rest)[0]
            wrong += [
                f"vsr {name} {flag}" for flag in _FLAG.findall(arguments) if flag not in known[name]
            ]
        if code.startswith("--"):
            flags = set().union(*known.values())
            wrong += [flag for flag in _FLAG.findall(code) if flag not in flags | _FOREIGN_FLAGS]
    return wrong


def test_unknown_words_are_found() -> None:
    known = {"train": {"--lr", "-o"}}
    text = "`vsr train DATA -o run --lr 1`\n\n    vsr train x --rate 2 | jq --raw\n\n`--width`\n"
    assert unknown_words(text, known) == ["vsr train --rate", "--width"]
    assert unknown_words("```sh\nvsr learn --lr 1\n```\n", known) == ["vsr learn"]
    assert unknown_words("`vsr train-more x --lr 1`", known) == ["vsr train-more"]


@each_page
def test_commands_and_flags_exist(page: Path) -> None:
    assert unknown_words(text_of(page), options()) == []


@each_page
def test_files_exist(page: Path) -> None:
    paths = {path for code in code_of(text_of(page)) for path in _PATH.findall(code)}
    assert [
        path for path in sorted(paths) if path not in _EXAMPLES and not (ROOT / path).exists()
    ] == []


@cache
def words_of_the_code() -> set[str]:
    sources = [*(ROOT / "vsr").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    return {word for file in sources for word in re.findall(r"\w+", file.read_text("utf-8"))}


@each_page
def test_classes_exist(page: Path) -> None:
    words = words_of_the_code() | _FOREIGN
    assert sorted(set(_NAME.findall(text_of(page))) - words) == []


def broken_links(page: Path) -> list[str]:
    """Links of a page to files and headings that there are not."""
    broken = []
    for link in _LINK.findall(page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        if target.parent == ROOT / "docs/pages/images":  # where docs/hooks.py puts them
            target = ROOT / "docs" / target.name
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    return broken


@cache
def anchors_of(page: Path) -> set[str]:
    """What the site calls the headings of a page."""
    heads = _HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def test_broken_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `word`, two\n[a](#one-word-two) [b](#three) [c](page.md) [d](none.md) [e](https://x)"
    )
    assert broken_links(page) == ["#three", "none.md"]


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


# Flags in words that need no explanation.
_PLAIN = {
    *("help", "json", "quiet", "open", "output", "name", "overwrite"),  # of any command
    *("start", "end", "duration", "no-audio", "no-subs", "audio"),
    *("pattern", "exclude", "jobs", "retries", "timeout", "seconds"),
    *("minutes", "frames", "noise", "plot", "crops", "batch"),
}


def flags_without_an_entry(glossary: str, flags: set[str]) -> set[str]:
    """The long flags none of whose words the glossary has, nor the flag itself."""
    words = set(re.findall(r"[\w-]+", glossary.lower()))
    words |= {word.rstrip("s") for word in words}
    return {
        flag
        for flag in flags
        if flag.startswith("--")
        and not words & {flag, flag.strip("-")}
        and not words & {word.rstrip("s") for word in flag.strip("-").split("-")}
    }


def test_the_glossary_explains_what_flags_are_about() -> None:
    glossary = (ROOT / "docs/pages/glossary.md").read_text("utf-8")
    flags = set().union(*options().values()) - {f"--{word}" for word in _PLAIN}
    assert flags_without_an_entry(glossary, flags) == set()
    assert flags_without_an_entry("Tile\n:   A part.", {"--tile", "--crop", "-t"}) == {"--crop"}


def test_the_glossary_has_each_word_once() -> None:
    lines = (ROOT / "docs/pages/glossary.md").read_text("utf-8").splitlines()
    heads = [one for one, other in pairwise(lines) if other.startswith(":")]
    words = [word for head in heads for word in re.split(r", |: ", re.sub(r" \(.*", "", head))]
    assert [word for word in words if words.count(word) > 1] == []
