"""HLS and DASH with the same at several rates: one is read, and the others are not even fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from support import servers
from support.clips import Clip, held, make, planes, remux

import vsr
from vsr.core.url import Url, open_url
from vsr.live.connection import connect
from vsr.video.choose import main_video
from vsr.video.variants import bit_rate, is_left_out, leave_out_variants

FRAMES = 24
LOSSLESS: dict[str, Any] = {"scale": 2, "model": "nearest", "codec": "ffv1", "device": "cpu"}
SEGMENTS = {"hls_time": "0.2", "hls_playlist_type": "vod"}


def clip_of(path: Path, width: int, height: int, **more: Any) -> Path:
    options = {"g": "6", "preset": "ultrafast", "bf": "2"}
    times = range(0, FRAMES * 512, 512)
    return make(path, Clip(width=width, height=height, pts=times, options=options, **more))


def playlist_of(source: Path, kinds: tuple[str, ...] = ("video", "audio")) -> Path:
    """A clip's streams in segments, in a folder of its name."""
    folder = source.with_suffix("")
    folder.mkdir()
    options = SEGMENTS | {"hls_segment_filename": str(folder / "%d.ts")}
    return remux(source, folder / "list.m3u8", kinds, "hls", **options)


def master_of(folder: Path, *lines: str) -> Path:
    path = folder / "master.m3u8"
    path.write_text("\n".join(["#EXTM3U", *lines, ""]))
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two variants with sound, two with none, and sound by itself."""
    folder = tmp_path_factory.mktemp("hls")
    playlist_of(clip_of(folder / "low.ts", 48, 32, audio=("eng",)))
    playlist_of(clip_of(folder / "high.ts", 96, 64, audio=("eng",)))
    playlist_of(clip_of(folder / "small.ts", 48, 32), ("video",))
    playlist_of(clip_of(folder / "large.ts", 96, 64), ("video",))
    for language in ("eng", "deu"):
        playlist_of(clip_of(folder / f"{language}.ts", 48, 32, audio=(language,)), ("audio",))
    return folder


def muxed(folder: Path) -> Path:
    return master_of(
        folder,
        "#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=48x32",
        "low/list.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=96x64",
        "high/list.m3u8",
    )


def shown_by(path: Path) -> list[bytes]:
    """The luma of each picture."""
    return [frame[0].tobytes() for frame in planes(path)]


def halved(path: Path) -> list[bytes]:
    return [frame[0][::2, ::2].tobytes() for frame in planes(path)]


@pytest.mark.parametrize(("number", "name"), [(None, "high"), (0, "low"), (1, "high")])
def test_one_variant_is_enlarged_with_its_own_sound(
    clips: Path, tmp_path: Path, number: int | None, name: str
) -> None:
    source, target = f"file:{muxed(clips)}", tmp_path / "out.mkv"
    result = vsr.upscale(source, target, video_stream=number, **LOSSLESS)
    assert halved(target) == shown_by(clips / f"{name}.ts")
    assert result.copied == (f"{3 if name == 'high' else 1} audio aac",)
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    (mine,), (its,) = (held(p).packets["audio"] for p in (target, clips / f"{name}.ts"))
    assert len(mine) == len(its) > 0
    said = (
        "2 variants: number 1 is taken, 96x64 h264 at 500 kbit/s, and the others are left out "
        "(--video-stream 0..1 picks another)"
    )
    assert (said in result.warnings) == (number is None)


def test_of_one_size_the_variant_of_most_bits_is_taken(clips: Path) -> None:
    lines = [
        "#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=96x64",
        "high/list.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=96x64",
        "large/list.m3u8",
    ]
    for listed in (lines, [*lines[2:], *lines[:2]]):
        with open_url(Url(f"file:{master_of(clips, *listed)}")) as container:
            assert bit_rate(main_video(container, clips)) == 900000


@pytest.mark.parametrize("best_last", [True, False])
def test_sound_that_variants_share_is_kept_in_every_language(
    clips: Path, tmp_path: Path, best_last: bool
) -> None:
    sound = [
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",LANGUAGE="{language}",NAME="{language}",'
        f'URI="{language}/list.m3u8"'
        for language in ("eng", "deu")
    ]
    small = ['#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO="a"', "small/list.m3u8"]
    large = ['#EXT-X-STREAM-INF:BANDWIDTH=500000,AUDIO="a"', "large/list.m3u8"]
    variants = [*small, *large] if best_last else [*large, *small]
    target = tmp_path / "out.mkv"
    result = vsr.upscale(f"file:{master_of(clips, *sound, *variants)}", target, **LOSSLESS)
    assert halved(target) == shown_by(clips / "large.ts")
    assert len(result.copied) == 2
    with av.open(str(target)) as container:
        assert sorted(stream.type for stream in container.streams) == ["audio", "audio", "video"]


def test_of_sound_at_several_rates_the_variants_own_is_kept(clips: Path) -> None:
    sound = [
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{group}",NAME="sound",URI="{folder}/list.m3u8"'
        for group, folder in (("low", "eng"), ("high", "deu"))
    ]
    lines = [
        *sound,
        '#EXT-X-STREAM-INF:BANDWIDTH=500000,AUDIO="high"',
        "large/list.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO="low"',
        "small/list.m3u8",
    ]
    with open_url(Url(f"file:{master_of(clips, *lines)}")) as container:
        main = main_video(container, clips)
        leave_out_variants(container, main)
        kept = [stream for stream in container.streams if not is_left_out(stream)]
        assert main in kept
        assert sorted((stream.type, bit_rate(stream)) for stream in kept) == [
            ("audio", 500000),
            ("video", 500000),
        ]


@pytest.mark.network
def test_what_is_left_out_is_not_fetched(tmp_path: Path) -> None:
    """But for its beginning, by which libav learns what the streams are."""
    folder, target, fetched = tmp_path / "hls", tmp_path / "out.mkv", list[str]()
    folder.mkdir()
    slow = {"pts": range(0, 120 * 2560, 2560), "options": {"g": "5", "preset": "ultrafast"}}
    for name, width, height in (("low", 48, 32), ("high", 96, 64)):
        playlist_of(make(folder / f"{name}.ts", Clip(width=width, height=height, **slow)))

    def answer(path: Path) -> servers.Answer:
        def reply(request: servers.Request) -> None:
            fetched.append(str(path.relative_to(folder)))
            servers.whole(path.read_bytes())(request)

        return reply

    parts = [*folder.glob("*/*"), muxed(folder)]
    with servers.web({f"/{path.relative_to(folder)}": answer(path) for path in parts}) as host:
        vsr.upscale(f"http://{host}/master.m3u8", target, **LOSSLESS)
    assert halved(target) == shown_by(folder / "high.ts")
    segments = len([*folder.glob("low/*.ts")])
    assert segments > 15
    assert {f"high/{number}.ts" for number in range(segments)} <= {*fetched}
    assert sum(f"low/{number}.ts" in fetched for number in range(segments)) < segments / 2


def test_a_live_connection_leaves_them_out_too(clips: Path) -> None:
    url = Url(f"file:{muxed(clips)}")
    with open_url(url) as container:
        found = connect(url, container, None, 0)
        assert found.stream.width == 96
        assert found.places == {2: 2, 3: 3}


def test_other_containers_keep_all_their_videos(tmp_path: Path) -> None:
    source = clip_of(tmp_path / "in.mkv", 48, 32, audio=("eng", "deu"))
    with av.open(str(source)) as container:
        leave_out_variants(container, container.streams.video[0])
        assert not any(map(is_left_out, container.streams))
