"""The preview page as a file: complete in itself, and proof against any text."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import clips

from vsr.core.errors import OutputError
from vsr.previews.html_page import Facts, Shown, page, write_page

FACTS = Facts("street.mp4", (("Source", "street.mp4"), ("Device", "cpu")), "vsr upscale street.mp4")
NASTY = '</script></style></title><!--<script>alert("x")</script>{{videos}}\'"&amp;\udcff\x00\u202e'


class Parsed(HTMLParser):
    """What a page holds: tags with attributes, in order, and the text at the beginning of each."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.inside = [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.texts.append("")
        self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data

    def text_of(self, tag, **wanted):
        return [
            text
            for (name, attributes), text in zip(self.tags, self.texts, strict=True)
            if name == tag and wanted.items() <= attributes.items()
        ]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return clips.make(tmp_path_factory.mktemp("page") / "a.mp4").read_bytes()


@pytest.fixture(scope="module")
def takes(video):
    return [
        Shown("bicubic", video, True, (("Speed", "90 fps"),), ""),
        Shown("espcn", video, False, (("Speed", "12 fps"),), "vsr upscale street.mp4 -m espcn"),
    ]


def make(takes, facts=FACTS):
    return page(facts, takes, 64, 48, Fraction(25))


def test_holds_the_facts_the_takes_and_their_commands(takes):
    parsed = Parsed(make(takes))
    assert parsed.text_of("title") == ["street.mp4"]
    values = dict(zip(parsed.text_of("dt"), parsed.text_of("dd"), strict=True))
    assert "preview, 64 \u00d7 48, 12 frames, 25 fps" in parsed.text_of("p")
    assert values["Source"] == "street.mp4"
    assert parsed.text_of("dd")[:4] == ["street.mp4", "cpu", "90 fps", "12 fps"]
    assert parsed.text_of("code") == ["vsr upscale street.mp4 -m espcn", "vsr upscale street.mp4"]


def test_holds_the_videos_to_the_byte_and_their_frames_times(tmp_path):
    uneven = clips.Clip(pts=(0, 512, 1100, 1101, 3000, 3512), options={"bf": "2"})
    videos = [
        clips.make(tmp_path / f"{n}.mp4", replace(uneven, numbers=range(n, n + 6))).read_bytes()
        for n in (0, 50)
    ]
    takes = [Shown(str(n), video, n == 0, (), "") for n, video in enumerate(videos)]
    parsed = Parsed(page(FACTS, takes, 64, 48, None))
    for number, video in enumerate(videos):
        assert b64decode(parsed.text_of("script", id=f"video-{number}")[0]) == video
    data = json.loads(parsed.text_of("script", id="data")[0])
    assert data["times"] == pytest.approx([pts / 12800 for pts in uneven.pts], abs=1e-9)
    assert (data["width"], data["height"]) == (64, 48)
    assert [take["baseline"] for take in data["takes"]] == [True, False]


def test_allows_its_own_style_and_script_and_nothing_from_the_net(takes):
    parsed = Parsed(make(takes))
    policies = [a["content"] for t, a in parsed.tags if "http-equiv" in a and t == "meta"]
    rules = dict(rule.strip().split(" ", 1) for rule in policies[0].split(";"))
    style, script = parsed.text_of("style")[0], parsed.text_of("script")[-1]
    for kind, text in (("style", style), ("script", script)):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert rules.pop("default-src") == rules.pop("form-action") == rules.pop("base-uri") == "'none'"
    assert (rules.pop("media-src"), rules.pop("img-src")) == ("blob:", "data:")
    assert rules.keys() == {"style-src", "script-src"}


def test_asks_for_nothing_outside_itself(takes):
    parsed = Parsed(make(takes))
    for tag, attributes in parsed.tags:
        for name in ("src", "href", "srcset", "action", "poster"):
            assert attributes.get(name, "data:").startswith("data:"), tag
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
    assert not re.search(r"url\(|@import", parsed.text_of("style")[0])


def shape(text):
    return [(tag, attributes.keys()) for tag, attributes in Parsed(text).tags]


@given(st.one_of(st.just(NASTY), st.text()))
def test_any_text_stays_a_text(video, text):
    plain = Shown("a", video, False, (("b", "c"),), "d")
    odd = Shown(text, video, False, ((text, text),), text or "d")
    want = make([plain], Facts("e", (("f", "g"),), "h"))
    found = make([odd], Facts(text, ((text, text),), text or "h"))
    assert shape(found) == shape(want)
    shown = re.sub("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "\ufffd", text)
    parsed = Parsed(found)
    assert parsed.text_of("title") == [shown]
    assert parsed.text_of("code")[0] == (shown or "d")
    assert json.loads(parsed.text_of("script", id="data")[0])["takes"][0]["label"] == shown
    found.encode()


def test_without_commands_there_is_no_card_for_one(takes):
    text = make([replace(take, command="") for take in takes], replace(FACTS, command=""))
    assert not Parsed(text).text_of("code")


def test_is_written_whole_or_not_at_all(tmp_path, takes):
    target = tmp_path / "out.html"
    target.write_text("before")
    with pytest.raises(OutputError, match="not a video"):
        write_page(target, FACTS, [replace(takes[0], video=b"none")], 64, 48, None)
    assert target.read_text() == "before"
    with pytest.raises(OutputError, match="has been made by somebody else meanwhile"):
        write_page(target, FACTS, takes, 64, 48, None)
    assert target.read_text() == "before"
    (tmp_path / "out.1.html").unlink()
    write_page(target, FACTS, takes, 64, 48, Fraction(25), overwrite=True)
    assert target.read_bytes() == make(takes).encode()
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_names_the_place_that_cannot_be_written(tmp_path, takes):
    target = Path(tmp_path, "missing", "out.html")
    with pytest.raises(OutputError, match=r"out\.html: cannot be written \(No such file") as raised:
        write_page(target, FACTS, takes, 64, 48, None)
    assert "\n" not in str(raised.value)
