"""The page's words: one table per language, complete, used, and the only place for words."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import vsr
from vsr.cli.ui_shell import ClickShell
from vsr.core.errors import VsrError
from vsr.core.paths import check_input, check_output
from vsr.datasets.media import list_media
from vsr.images.formats import image_format
from vsr.networks.catalogue import catalogue
from vsr.networks.registry import load_model
from vsr.remux.containers import format_of
from vsr.ui.about import PAGE
from vsr.ui.folder import ServedFolder
from vsr.ui.job import STATES
from vsr.ui.orders import COMMANDS

_FILES = (PAGE / "texts").glob("*.json")
TABLES = {path.stem: json.loads(path.read_text("utf-8")) for path in _FILES}
SCRIPTS = {path.name: path.read_text("utf-8") for path in PAGE.glob("*.js")}
INDEX = (PAGE / "index.html").read_text("utf-8")
# English has these from the command itself, so that nothing is written twice.
SAID_BY_VSR = ("help.", "model.", "said.")
OWN = ("model.automatic", "model.automatichint")

TEXT = re.compile(r'\bt\(\s*"([^"]+)"')
FAMILY = re.compile(r"\bt\(\s*`([a-z]+\.)\$\{[^}]+\}`")
NAMED = re.compile(r'data-(?:text|label)="([^"]+)"')
VALUE = re.compile(r"\{(\w+)\}")


def own(table):
    """The keys that each language must have."""
    return {key for key in table if key in OWN or not key.startswith(SAID_BY_VSR)}


def forms(text):
    """All forms of a text: one, or one for each plural."""
    return list(text.values()) if isinstance(text, dict) else [text]


def options():
    """All options that the page may show, by name."""
    shell = ClickShell()
    return {option.name: option for command in COMMANDS for option in shell.options(command)}


def plain():
    """Options that have a control of their own, from the script that says so."""
    found = re.search(r"export const PLAIN = new Set\(\[(.*?)\]\)", SCRIPTS["controls.js"], re.S)
    return set(re.findall(r'"([^"]+)"', found[1]))


def test_there_are_english_and_chinese():
    assert {"en", "zh"} <= TABLES.keys()


@pytest.mark.parametrize("language", TABLES.keys() - {"en"})
def test_each_language_has_the_keys_of_english(language):
    assert own(TABLES[language]) == TABLES["en"].keys()


@pytest.mark.parametrize("language", TABLES.keys() - {"en"})
def test_each_language_says_what_options_and_models_are(language):
    table = TABLES[language]
    helps = {key.removeprefix("help.") for key in table if key.startswith("help.")}
    shown = (options().keys() - plain()) | {"record"}
    assert helps - options().keys() == set()
    assert shown - helps == set()
    models = {key.removeprefix("model.") for key in table.keys() - {*OWN} if key[:6] == "model."}
    assert models == {card.name for card in catalogue(True) if not card.group}


def errors(tmp_path):
    """The commonest errors, as they are raised."""
    there = tmp_path / "a.mp4"
    there.write_bytes(b"no video")
    stills = (tmp_path / "no.mp4", tmp_path / "b.png")
    calls = [
        lambda: check_input(tmp_path / "no.mp4"),
        lambda: list_media([tmp_path / "no"]),
        lambda: ServedFolder(tmp_path).file("no.mp4"),
        lambda: check_output(there, False, []),
        lambda: check_output(there, True, [there]),
        lambda: load_model("nope", 2),
        lambda: image_format(tmp_path / "a.psd"),
        lambda: format_of(tmp_path / "a.xyz"),
        lambda: vsr.upscale(there, tmp_path / "b.mp4", model="nearest"),
        lambda: vsr.upscale(*stills, model="nearest"),
    ]
    for call in calls:
        with pytest.raises(VsrError) as raised:
            call()
        yield str(raised.value)


def pattern(sentence):
    """As texts.js has it."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(sentence)), re.S)


@pytest.mark.parametrize("language", TABLES.keys() - {"en"})
def test_the_commonest_errors_have_words_of_the_language(language, tmp_path):
    sentences = {key.removeprefix("said.") for key in TABLES[language] if key[:5] == "said."}
    for sentence in sentences:
        values = {*VALUE.findall(TABLES[language][f"said.{sentence}"])}
        assert values <= {*VALUE.findall(sentence)}, sentence
    said = [*errors(tmp_path)]
    for line in said:
        assert [one for one in sentences if pattern(one).fullmatch(line)], line
    sources = "\n".join(path.read_text("utf-8") for path in Path(vsr.__file__).parent.rglob("*.py"))
    for sentence in sentences:  # each is still said, piece by piece
        assert all(piece in sources for piece in VALUE.sub("\0", sentence).split("\0")), sentence


def test_each_option_has_a_label():
    labels = {key.removeprefix("option.") for key in TABLES["en"] if key.startswith("option.")}
    assert labels - options().keys() == set()
    assert (options().keys() - plain()) - labels == set()


@pytest.mark.parametrize("language", TABLES)
def test_values_are_the_same_in_each_language(language):
    for key, text in own_texts(language):
        for form in forms(text):
            wanted = {name for one in forms(TABLES["en"][key]) for name in VALUE.findall(one)}
            assert set(VALUE.findall(form)) == wanted, key


def own_texts(language):
    return [(key, TABLES[language][key]) for key in own(TABLES[language])]


@pytest.mark.parametrize("language", TABLES)
def test_no_text_is_empty_or_has_two_spaces(language):
    for key, text in TABLES[language].items():
        assert all(form and form == " ".join(form.split()) for form in forms(text)), key


def test_chinese_is_chinese():
    names = {"about", "title", "language.tag"}
    for key in TABLES["zh"].keys() - names:
        for form in forms(TABLES["zh"][key]):
            words = re.findall(r"(?<![A-Za-z])[a-z]{4}", VALUE.sub("", form))
            assert re.search("[\u4e00-\u9fff]", form) or not words, key


def test_each_key_that_is_used_is_there_and_each_that_is_there_is_used():
    code = "\n".join(SCRIPTS.values())
    used = {*TEXT.findall(code), *NAMED.findall(INDEX)}
    families = set(FAMILY.findall(code))
    english = TABLES["en"].keys()
    assert used - english == set()
    unused = {key for key in english - used if not key.startswith(tuple(families))}
    assert unused == set()
    for family in families - set(SAID_BY_VSR):
        assert any(key.startswith(family) for key in english), family


def test_families_are_complete():
    english = TABLES["en"].keys()
    assert {f"state.{state}" for state in STATES} <= english
    for family in ("command", "lead", "run"):
        assert {f"{family}.{command}" for command in COMMANDS} <= english
    assert {f"kind.{kind}" for kind in ("folder", "video", "image", "page", "other")} <= english
    groups = {option.group for option in options().values()}
    assert {f"group.{group}" for group in groups} <= english


class Words(HTMLParser):
    """All text of a page that people see or hear."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_data(self, data):
        if data.strip():
            self.found.append(data.strip())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("alt", "title", "placeholder", "aria-label", "value"):
                self.found.append(value)


def test_the_index_holds_no_words_but_the_name():
    words = Words()
    words.feed(INDEX)
    assert words.found == ["vsr", "vsr"]  # the title until the first view, and the way home


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_make_no_html_and_run_no_text(name):
    wrong = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.srcdoc"
    assert re.findall(wrong, SCRIPTS[name]) == []


@pytest.mark.parametrize("path", sorted(PAGE.rglob("*.*")), ids=lambda path: path.name)
def test_nothing_is_asked_for_elsewhere(path):
    name = "http://www.w3.org/2000/svg"  # of a vocabulary: nobody asks for it
    text = path.read_text("utf-8").replace(name, "")
    assert re.findall(r"https?://|[\"'(]//", text) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_modules_import_what_is_there(name):
    for names, module in re.findall(r'import \{([^}]*)\} from "\./([^"]+)"', SCRIPTS[name]):
        for one in re.findall(r"\w+", names):
            exported = rf"export (?:async )?(?:const|function|class) {one}\b"
            assert re.search(exported, SCRIPTS[module]), (module, one)
            body = re.sub(r"import .*?;", "", SCRIPTS[name], flags=re.S)
            assert re.search(rf"\b{one}\b", body), f"{one} is not used"
