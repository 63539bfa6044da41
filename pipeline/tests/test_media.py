"""Reading, mixing and muxing real recordings and damaged files."""

from __future__ import annotations

import io
import random
import shutil
import struct
import time
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.mixer import (
    CEILING,
    DUCK_DOWN_S,
    DUCK_FLOOR,
    DUCK_HOLD_S,
    DUCK_UP_S,
    DubCue,
    Limiter,
    Mixer,
    duck_gain,
    duck_spans,
)
from pipeline.files.muxer import mux, video_suffix
from pipeline.sound.media import MediaError, audio_container, decode_audio_blob, open_media
from pipeline.types import Pcm


def tone(seconds: float, *, rate_hz: int = 16_000, hz: float = 440.0, level: float = 0.5) -> Pcm:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (32767 * level * np.sin(2 * np.pi * hz * times)).astype(np.int16)


def blob(pcm: Pcm, rate_hz: int, container: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, pcm, rate_hz, format=container)
    return file.getvalue()


def whole(path: Path) -> Pcm:
    return np.concatenate(list(open_media(path).blocks()))


def pitch_hz(pcm: Pcm, rate_hz: int = 16_000) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(spectrum.argmax() * rate_hz / len(pcm))


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_blob_of_any_container_becomes_16_khz_mono(container: str, rate_hz: int) -> None:
    stereo = np.stack([tone(1.0, rate_hz=rate_hz)] * 2, axis=1)
    data = blob(stereo, rate_hz, container)
    assert audio_container(data) == container.lower()
    pcm = decode_audio_blob(data, max_seconds=5)
    assert pcm.dtype == np.int16
    assert pcm.ndim == 1
    assert abs(len(pcm) - 16_000) < 1_700  # MP3 pads whole frames at both ends.
    assert abs(pitch_hz(pcm) - 440) < 2


def test_a_wav_blob_at_our_own_rate_comes_back_exactly() -> None:
    pcm = tone(0.5)
    assert np.array_equal(decode_audio_blob(blob(pcm, 16_000, "WAV"), max_seconds=1), pcm)


def test_raw_samples_are_no_container() -> None:
    assert audio_container(tone(1).tobytes()) is None
    # Samples that look like the head of an MP3 frame, once.
    assert audio_container(b"\xff\xfb\x90\x00" + tone(1).tobytes()) is None
    with pytest.raises(MediaError) as refused:
        decode_audio_blob(tone(1).tobytes(), max_seconds=5)
    assert refused.value.code == "audio_format_unknown"


def test_a_blob_that_lasts_too_long_is_refused() -> None:
    with pytest.raises(MediaError) as refused:
        decode_audio_blob(blob(tone(3), 16_000, "FLAC"), max_seconds=2)
    assert refused.value.code == "audio_too_long"


@pytest.mark.parametrize("head", [b"fLaC", b"OggS", b"ID3", b"RIFF\0\0\0\0WAVE"])
def test_a_blob_that_only_begins_like_audio_is_refused(head: bytes) -> None:
    with pytest.raises(MediaError) as refused:
        decode_audio_blob(head + b"\x17" * 500, max_seconds=2)
    assert refused.value.code == "audio_unreadable"


@given(
    head=st.sampled_from([b"", b"fLaC", b"OggS", b"ID3", b"RIFF\0\0\0\0WAVEfmt ", b"\xff\xfb"]),
    rest=st.binary(max_size=200),
)
def test_any_bytes_decode_or_give_a_clear_error(head: bytes, rest: bytes) -> None:
    try:
        pcm = decode_audio_blob(head + rest, max_seconds=1)
    except MediaError as error:
        assert error.code in {"audio_format_unknown", "audio_unreadable", "audio_too_long"}
    else:
        assert pcm.dtype == np.int16


def wav_header(*, channels: int = 1, rate_hz: int = 16_000, size: int) -> bytes:
    """Of 16-bit samples, whatever the figures."""
    block = channels * 2 & 0xFFFF
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block, 16)
    return b"".join(
        (b"RIFF", struct.pack("<I", 36 + size), b"WAVEfmt ", struct.pack("<I", len(form)), form)
    ) + struct.pack("<4sI", b"data", size)


@pytest.mark.parametrize(
    "claimed",
    [
        # Of 65 channels and more the process died; a gigahertz took a minute and a gigabyte.
        {"channels": 65},
        {"channels": 255},
        {"channels": 65_535},
        {"rate_hz": 768_001},
        {"rate_hz": 1_234_567_890},
        {"rate_hz": 2**32 - 1},
        {"rate_hz": 0},
        {"channels": 0},
    ],
)
def test_headers_that_claim_the_unheard_of_are_refused_at_once(
    claimed: dict[str, int], tmp_path: Path
) -> None:
    data = wav_header(**claimed, size=100_000) + bytes(100_000)
    begun = time.process_time()
    with pytest.raises(MediaError) as refused:
        decode_audio_blob(data, max_seconds=1.0)
    assert refused.value.code == "audio_unreadable"
    path = tmp_path / "claims.wav"
    path.write_bytes(data)
    with pytest.raises(MediaError) as unreadable:
        whole(path)
    assert unreadable.value.code == "media_unreadable"
    assert time.process_time() - begun < 5.0


def test_a_rate_of_one_hertz_lasts_too_long() -> None:
    data = wav_header(rate_hz=1, size=2_000_000) + bytes(2_000_000)
    with pytest.raises(MediaError) as refused:
        decode_audio_blob(data, max_seconds=120.0)
    assert refused.value.code == "audio_too_long"


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_broken_header_decodes_or_gives_a_clear_error(container: str) -> None:
    chance = random.Random(20261125)
    good = blob(tone(0.3), 16_000, container)
    for number in range(150):
        data = bytearray(good)
        for _ in range(chance.randrange(6)):
            data[chance.randrange(min(len(data), 100))] = chance.randrange(256)
        del data[chance.randrange(4, len(data) + 1) :]
        try:
            decode_audio_blob(bytes(data), max_seconds=1.0)
        except MediaError as error:
            assert error.code in {
                "audio_unreadable",
                "audio_too_long",
                "audio_format_unknown",
            }, f"number {number} of {container}: {error.code}"


@pytest.mark.parametrize(
    ("name", "seconds", "rate_hz", "channels", "has_video"),
    [
        ("en/jfk.flac", 11.0, 44_100, 2, False),
        ("en/goforward.raw", 2.786, 16_000, 1, False),
        ("fr/speech_recognition_french.aiff", 2.533, 44_100, 1, False),
        ("dialogue/falcon_test.wav", 18.578, 16_000, 1, False),
        ("video/open_dubbing_englishvideo.mp4", 9.967, 44_100, 1, True),
    ],
)
def test_recordings_are_opened_and_read_whole(
    speech_data: Path, name: str, seconds: float, rate_hz: int, channels: int, has_video: bool
) -> None:
    info = open_media(speech_data / name)
    assert (info.sample_rate_hz, info.channels, info.has_video) == (rate_hz, channels, has_video)
    assert info.duration_s == pytest.approx(seconds, abs=0.05)
    blocks = list(info.blocks(block_s=0.1))
    assert {len(block) for block in blocks[:-1]} == {1600}
    assert sum(map(len, blocks)) / 16_000 == pytest.approx(seconds, abs=0.05)
    assert max(int(np.abs(block).max()) for block in blocks) > 1000


def test_a_16_khz_wav_is_read_sample_for_sample(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.3), 16_000)
    assert np.array_equal(whole(tmp_path / "a.wav"), tone(1.3))


def make_media(path: Path, *, audio: list[float], video: bool = False, delay_s: float = 0) -> None:
    """A file with one tone of each frequency per audio track."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10) if video else None
        tracks = [container.add_stream("aac", rate=16_000, layout="mono") for _ in audio]
        if pictures is not None:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
            for number in range(20):
                picture = av.VideoFrame(64, 48, "yuv420p")
                picture.pts = number
                container.mux(pictures.encode(picture))
            container.mux(pictures.encode(None))
        for track, hz in zip(tracks, audio, strict=True):
            pcm = tone(1.0, hz=hz).reshape(1, -1)
            for start in range(0, pcm.shape[1] - 1023, 1024):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(pcm[:, start : start + 1024]), format="s16", layout="mono"
                )
                frame.sample_rate = 16_000
                frame.pts = start + round(delay_s * 16_000)
                container.mux(track.encode(frame))
            container.mux(track.encode(None))


def test_of_several_audio_tracks_the_first_is_read(tmp_path: Path) -> None:
    make_media(tmp_path / "two.mkv", audio=[300.0, 1200.0])
    info = open_media(tmp_path / "two.mkv")
    assert info.audio_streams == 2
    assert abs(pitch_hz(np.concatenate(list(info.blocks()))) - 300) < 5


def test_sound_that_starts_late_is_preceded_by_silence(tmp_path: Path) -> None:
    make_media(tmp_path / "late.mkv", audio=[440.0], video=True, delay_s=0.8)
    pcm = whole(tmp_path / "late.mkv")
    assert np.abs(pcm[:11_000]).max() < 200
    assert np.abs(pcm[14_500:16_000]).max() > 10_000


def test_a_picture_without_sound_is_refused(tmp_path: Path) -> None:
    make_media(tmp_path / "silent.mp4", audio=[], video=True)
    with pytest.raises(MediaError) as refused:
        open_media(tmp_path / "silent.mp4")
    assert refused.value.code == "media_without_audio"


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as missing:
        open_media(tmp_path / "nothing.wav")
    assert missing.value.code == "media_missing"
    for name, content in {"a.wav": b"", "b.mp4": b"\x00\x01" * 900, "c.txt": b"hello"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MediaError) as unreadable:
            open_media(tmp_path / name)
        assert unreadable.value.code == "media_unreadable"


def test_playlists_that_name_other_files_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1), 16_000)
    (tmp_path / "list.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.wav\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "list.ffconcat").write_text("ffconcat version 1.0\nfile a.wav\n")
    for name in ("list.m3u8", "list.ffconcat"):
        with pytest.raises(MediaError) as refused:
            open_media(tmp_path / name)
        assert refused.value.code == "media_unreadable"


def test_damage_in_the_middle_costs_only_the_damaged_part(
    speech_data: Path, tmp_path: Path
) -> None:
    data = bytearray((speech_data / "en" / "jfk.flac").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = b"\x55" * 3000
    (tmp_path / "damaged.flac").write_bytes(data)
    (tmp_path / "cut.flac").write_bytes(data[:middle])
    assert len(whole(tmp_path / "damaged.flac")) > 9 * 16_000
    assert 4 * 16_000 < len(whole(tmp_path / "cut.flac")) < 7 * 16_000


def test_the_original_is_at_the_floor_when_a_cue_begins_and_comes_back() -> None:
    spans = duck_spans([(2.0, 3.0)])
    times = np.array([0.0, 2 - DUCK_DOWN_S, 2.0, 2.5, 3 + DUCK_HOLD_S, 9.0])
    assert duck_gain(spans, times) == pytest.approx([1, 1, DUCK_FLOOR, DUCK_FLOOR, DUCK_FLOOR, 1])
    halfway = np.array([2 - DUCK_DOWN_S / 2, 3 + DUCK_HOLD_S + DUCK_UP_S / 2])
    assert duck_gain(spans, halfway) == pytest.approx([(1 + DUCK_FLOOR) / 2] * 2)


def test_a_short_pause_between_cues_does_not_bring_the_original_up() -> None:
    spans = duck_spans([(1.0, 2.0), (2.0 + DUCK_HOLD_S, 4.0)])
    assert spans == [(1.0, 4.0 + DUCK_HOLD_S)]


@given(
    speech=st.lists(
        st.tuples(st.floats(0, 50), st.floats(0.1, 5)).map(lambda p: (p[0], p[0] + p[1])),
        max_size=8,
    )
)
def test_the_duck_is_at_the_floor_throughout_every_cue_and_never_jumps(
    speech: list[tuple[float, float]],
) -> None:
    times = np.arange(0, 60, 0.005)
    gain = duck_gain(duck_spans(speech), times)
    assert gain.min() >= DUCK_FLOOR - 1e-6
    assert gain.max() <= 1
    for start, end in speech:
        assert np.allclose(gain[(times >= start) & (times <= end)], DUCK_FLOOR)
    assert np.abs(np.diff(gain)).max() <= 0.005 * (1 - DUCK_FLOOR) / DUCK_DOWN_S + 1e-5


@given(
    level=st.floats(0.1, 4.0),
    cuts=st.lists(st.integers(0, 8000), max_size=6),
    channels=st.sampled_from([1, 2]),
)
def test_the_limiter_loses_nothing_and_lets_nothing_above_the_ceiling(
    level: float, cuts: list[int], channels: int
) -> None:
    signal = (level * np.sin(np.arange(8000) * 0.07)).astype(np.float32)
    signal[:4000] *= 0.2
    frames = np.repeat(signal[:, None], channels, axis=1)
    limiter = Limiter(16_000, channels)
    edges = [0, *sorted(cuts), len(frames)]
    parts = [limiter.push(frames[start:end]) for start, end in pairwise(edges)]
    out = np.concatenate([*parts, limiter.flush()])
    assert out.shape == frames.shape
    assert np.abs(out).max() <= CEILING + 1e-6
    if level <= CEILING:
        assert np.array_equal(out, frames)
    assert np.allclose(out[:3000], frames[:3000])  # Far from what had to be limited.


def test_the_limiter_does_not_depend_on_how_the_signal_is_cut() -> None:
    frames = (2 * np.sin(np.arange(9000) * 0.05)).astype(np.float32)[:, None]
    one, many = Limiter(16_000, 1), Limiter(16_000, 1)
    at_once = np.concatenate([one.push(frames), one.flush()])
    pieces = [many.push(frames[start : start + 37]) for start in range(0, 9000, 37)]
    assert np.allclose(np.concatenate([*pieces, many.flush()]), at_once, atol=1e-5)


def test_a_mix_holds_the_ducked_original_and_the_dub_at_its_place(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", tone(8.0, hz=300, level=0.4), 16_000)
    cue = DubCue(3.0, tone(1.0, rate_hz=22_050, hz=2000, level=0.4), 22_050)
    Mixer([cue]).write(open_media(tmp_path / "in.wav"), tmp_path / "m.wav", tmp_path / "d.flac")
    mix, rate_hz = soundfile.read(tmp_path / "m.wav")
    dub, _ = soundfile.read(tmp_path / "d.flac")
    assert rate_hz == 16_000
    assert len(mix) == len(dub) == 8 * 16_000
    assert np.abs(dub[: 3 * 16_000 - 50]).max() < 0.01
    assert np.abs(dub[3 * 16_000 + 800 : 4 * 16_000 - 800]).max() == pytest.approx(0.4, abs=0.02)
    assert np.abs(dub[4 * 16_000 + 50 :]).max() < 0.01
    during = mix[int(3.2 * 16_000) : int(3.8 * 16_000)]
    rest = during - dub[int(3.2 * 16_000) : int(3.8 * 16_000)]
    assert np.abs(rest).max() == pytest.approx(0.4 * DUCK_FLOOR, abs=0.01)
    assert np.abs(mix[6 * 16_000 :]).max() == pytest.approx(0.4, abs=0.01)


def test_loud_over_loud_does_not_clip_and_late_cues_lengthen_the_mix(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.stack([tone(2.0, level=0.99)] * 2, axis=1), 16_000)
    cues = [DubCue(0.5, tone(1.0, level=1.0), 16_000), DubCue(1.9, tone(3.0, level=1.0), 16_000)]
    cues.append(DubCue(0.6, tone(1.0, level=1.0), 16_000))
    Mixer(cues).write(open_media(tmp_path / "in.wav"), tmp_path / "m.wav", tmp_path / "d.wav")
    mix, _ = soundfile.read(tmp_path / "m.wav")
    assert mix.shape[1] == 2
    assert len(mix) >= 4.9 * 16_000
    assert np.abs(mix).max() <= CEILING + 1e-3
    assert np.abs(soundfile.read(tmp_path / "d.wav")[0]).max() <= CEILING + 1e-3


def test_a_mix_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", tone(1.0), 16_000)
    info = open_media(tmp_path / "in.wav")
    for bad in (tmp_path / "no" / "folder.wav", tmp_path / "m.xyz"):
        with pytest.raises(MediaError) as refused:
            Mixer([]).write(info, bad, tmp_path / "d.wav")
        assert refused.value.code == "media_unwritable"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_dubbed_video_keeps_its_picture_and_carries_both_sounds(
    speech_data: Path, tmp_path: Path, suffix: str
) -> None:
    video = speech_data / "video" / "open_dubbing_englishvideo.mp4"
    info = open_media(video)
    Mixer([DubCue(1.0, tone(2.0), 16_000)]).write(info, tmp_path / "m.wav", tmp_path / "d.wav")
    (tmp_path / "s.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHola, ¿qué tal?\n")
    out = tmp_path / f"out{suffix}"
    mux(
        video,
        tmp_path / "m.wav",
        tmp_path / "s.srt",
        out,
        target_language="es",
        source_language="en",
    )

    def pictures(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            # Length prefixes are alike in both containers: the packets are the same bytes.
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]

    assert pictures(out) == pictures(video)
    with av.open(str(out)) as container:
        assert [s.metadata["language"] for s in container.streams.audio] == ["spa", "eng"]
        assert container.streams.audio[0].codec_context.name == "aac"
        (subtitles,) = container.streams.subtitles
        assert subtitles.metadata["language"] == "spa"
        assert subtitles.codec_context.name == {".mp4": "mov_text", ".mkv": "srt"}[suffix]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["m.wav", "d.wav", "s.srt", out.name]
    )


def test_a_mux_that_fails_leaves_nothing_and_says_why(speech_data: Path, tmp_path: Path) -> None:
    video = speech_data / "video" / "open_dubbing_englishvideo.mp4"
    (tmp_path / "bad.wav").write_bytes(b"not sound")
    with pytest.raises(MediaError) as failed:
        mux(video, tmp_path / "bad.wav", None, tmp_path / "o.mp4", target_language="es")
    assert failed.value.code == "mux_failed"
    assert [path.name for path in tmp_path.iterdir()] == ["bad.wav"]
    with pytest.raises(MediaError) as refused:
        mux(video, tmp_path / "bad.wav", None, tmp_path / "o.webm", target_language="es")
    assert refused.value.code == "container_unsupported"
    with pytest.raises(MediaError) as without:
        mux(
            speech_data / "en" / "jfk.flac",
            tmp_path / "bad.wav",
            None,
            tmp_path / "o.mp4",
            target_language="es",
        )
    assert without.value.code == "media_without_video"


def test_a_video_of_another_kind_is_dubbed_into_matroska() -> None:
    assert video_suffix(Path("a.MP4")) == ".mp4"
    assert video_suffix(Path("a.webm")) == ".mkv"
    assert shutil.which("ffmpeg") is not None
