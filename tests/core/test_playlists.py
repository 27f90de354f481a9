"""HLS playlists on disk: what leads back to itself is refused, all else is left to libav."""

from __future__ import annotations

from pathlib import Path

import pytest

from vsr.core.errors import InputError
from vsr.core.playlists import check_playlists
from vsr.core.url import Url, open_url


def master(path: Path, *variants: str, sound: str = "") -> Path:
    """A master playlist that names these variants, and an audio rendition."""
    lines = ["#EXTM3U"]
    lines += [f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="{sound}"'] if sound else []
    for variant in variants:
        lines += ["#EXT-X-STREAM-INF:BANDWIDTH=1000", "# a remark", "", variant]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\r\n".join(lines))
    return path


def media(path: Path, *segments: str) -> Path:
    """A playlist of segments."""
    path.write_text("#EXTM3U\n" + "".join(f"#EXTINF:1,\n{segment}\n" for segment in segments))
    return path


def test_a_playlist_that_names_itself_is_refused(tmp_path: Path) -> None:
    path = master(tmp_path / "self.m3u8", "self.m3u8")
    with pytest.raises(InputError) as caught:
        open_url(Url(f"file:{path}"))
    why = "its playlist leads back to itself: self.m3u8 names self.m3u8"
    assert str(caught.value) == f"file:{path}: {why}"


@pytest.mark.parametrize("named", ["../a.m3u8", "{folder}/a.m3u8", "file:{folder}/a.m3u8"])
def test_so_is_one_that_leads_to_itself_through_others(tmp_path: Path, named: str) -> None:
    first = master(tmp_path / "a.m3u8", "missing.m3u8", "http://h/c.m3u8", "sub/b.m3u8")
    master(tmp_path / "sub" / "b.m3u8", named.format(folder=tmp_path))
    with pytest.raises(InputError, match=r"itself: b\.m3u8 names a\.m3u8"):
        check_playlists(first)


def test_so_is_one_whose_sound_is_itself_by_a_link(tmp_path: Path) -> None:
    path = master(tmp_path / "a.m3u8", "v.m3u8", sound="link.m3u8")
    media(tmp_path / "v.m3u8", "0.ts")
    (tmp_path / "link.m3u8").symlink_to(path)
    with pytest.raises(InputError, match="itself"):
        check_playlists(path)


def test_one_that_leads_to_no_end_of_others_is_refused(tmp_path: Path) -> None:
    for step in range(30):  # 2 ** 30 in all
        master(tmp_path / f"{step}.m3u8", *[f"{step + 1}.m3u8"] * 2)
    media(tmp_path / "30.m3u8", "0.ts")
    with pytest.raises(InputError, match="more than 200 others"):
        check_playlists(tmp_path / "0.m3u8")


def test_playlists_that_share_one_pass_and_so_do_segments_of_any_name(tmp_path: Path) -> None:
    path = master(tmp_path / "a.m3u8", "v.m3u8", "v.m3u8", sound="v.m3u8")
    media(tmp_path / "v.m3u8", "a.m3u8", "v.m3u8")  # no variants: libav does not follow these
    check_playlists(path)
    (tmp_path / "clip.bin").write_bytes(bytes(100))
    check_playlists(tmp_path / "clip.bin")
