"""A dubbed video: the picture copied, the mix, the original sound and subtitles beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.batch.loudness import ffmpeg
from pipeline.bounds import MUX_S
from pipeline.sound.media import MediaError, open_media

# MP4 and Matroska name languages by ISO 639-2/T.
_ISO_639_2 = {
    "af": "afr", "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu",
    "el": "ell", "en": "eng", "eo": "epo", "es": "spa", "et": "est", "eu": "eus", "fi": "fin",
    "fr": "fra", "gl": "glg", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "id": "ind",
    "is": "isl", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav", "mk": "mkd",
    "ms": "msa", "nl": "nld", "no": "nor", "nb": "nob", "oc": "oci", "pl": "pol", "pt": "por",
    "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp", "sv": "swe", "th": "tha",
    "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "zho",
}  # fmt: skip
_SUBTITLE_CODEC = {".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text", ".mkv": "srt"}
_COPIED_AUDIO = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac"}),
    "mkv": frozenset({"aac", "mp3", "ac3", "eac3", "flac", "vorbis", "opus"}),
}


def language_tag(code: str | None) -> str:
    """Three-letter tag for an ISO 639-1 code, ``und`` where it is unknown."""
    return _ISO_639_2.get(code or "", "und")


def video_suffix(video_in: Path) -> str:
    """Ending for the dubbed file: the input's own where it can be written, else ``.mkv``."""
    suffix = video_in.suffix.lower()
    return suffix if suffix in _SUBTITLE_CODEC else ".mkv"


def mux(
    video_in: Path,
    dubbed_audio: Path,
    srt: Path | None,
    out: Path,
    *,
    target_language: str,
    source_language: str | None = None,
    disclosure: str = "",
    timeout_s: float = MUX_S,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write ``out`` (.mp4, .m4v, .mov or .mkv): the picture is copied, never re-encoded.

    Sound: the dubbed mix as AAC, played by default, then the original's first track.
    ``disclosure`` is written into the metadata of the file and of the dubbed track.
    ``out`` appears only when it is whole. ``check`` is called meanwhile, and may raise, which ends
    it. Raises MediaError: media_missing,
    media_unreadable, media_without_audio, media_without_video,
    container_unsupported, ffmpeg_missing, mux_timeout or mux_failed.
    """
    subtitle_codec = _SUBTITLE_CODEC.get(out.suffix.lower())
    if subtitle_codec is None:
        raise MediaError(
            "container_unsupported", f"{out.name}: write to one of {', '.join(_SUBTITLE_CODEC)}."
        )
    if shutil.which("ffmpeg") is None:
        raise MediaError("ffmpeg_missing", "The ffmpeg program is not installed.")
    info = open_media(video_in)
    if not info.has_video:
        raise MediaError("media_without_video", f"{video_in.name} has no picture.")
    for path in (dubbed_audio, *([srt] if srt else [])):
        if not path.is_file():
            raise MediaError("media_missing", f"There is no file {path}.")
    family = "mkv" if subtitle_codec == "srt" else "mp4"
    keeps_original = info.audio_codec in _COPIED_AUDIO[family]
    partial = out.with_name(f".{out.stem}.part{out.suffix}").resolve()
    target, source = language_tag(target_language), language_tag(source_language)
    command = ["-i", str(video_in.resolve())]
    command += ["-i", str(dubbed_audio.resolve())]
    command += ["-i", str(srt.resolve())] if srt else []
    # Capital V: pictures that move, not covers.
    command += ["-map", "0:V:0", "-map", "1:a:0", "-map", "0:a:0"]
    command += ["-map", "2:s:0"] if srt else []
    command += ["-c:v", "copy", "-c:a:0", "aac", "-b:a:0", "160k"]
    command += ["-c:a:1", "copy"] if keeps_original else ["-c:a:1", "aac", "-b:a:1", "160k"]
    command += ["-disposition:a:0", "default", "-disposition:a:1", "0"]
    command += ["-metadata:s:a:0", f"language={target}", "-metadata:s:a:1", f"language={source}"]
    if srt:
        command += ["-c:s", subtitle_codec, "-metadata:s:s:0", f"language={target}"]
    if disclosure:
        command += ["-metadata", f"comment={disclosure}"]
        command += ["-metadata:s:a:0", f"title={disclosure}", "-metadata:s:a:1", "title=Original"]
        # MP4 keeps the name of a track there, and drops its title.
        command += ["-metadata:s:a:0", f"handler_name={disclosure}"]
    if family == "mp4":
        command += ["-movflags", "+faststart"]
    try:
        ffmpeg([*command, str(partial)], timeout_s=timeout_s, check=check)
        partial.replace(out)
    except MediaError as error:
        if error.code == "ffmpeg_timeout":
            raise MediaError("mux_timeout", f"Writing {out.name} took too long.") from error
        if error.code != "ffmpeg_failed":
            raise
        more = " An .mkv file takes more codecs." if family == "mp4" else ""
        raise MediaError("mux_failed", f"{out.name} could not be written: {error}{more}") from error
    finally:
        partial.unlink(missing_ok=True)
