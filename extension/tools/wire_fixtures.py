"""Golden frames and text of the protocol: written by the server's codec, read by our tests.

python extension/tools/wire_fixtures.py            writes extension/fixtures/wire.json
python extension/tools/wire_fixtures.py --check    compares
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from pipeline.client_messages import SourceTextMessage  # noqa: E402
from pipeline.events import CueAudio  # noqa: E402
from pipeline.wire import (  # noqa: E402
    AudioFrame,
    WireError,
    decode_cue_frame,
    decode_frame,
    decode_message,
    encode_cue_audio,
    encode_source_audio,
)

DOCUMENT = Path(__file__).resolve().parent.parent / "fixtures" / "wire.json"
EXTREMES = (0, 1, -1, 32767, -32768, 12345)


def fixtures() -> dict[str, Any]:
    return {
        "source": [
            _source(0, 0, ()),
            _source(1, 40_000, EXTREMES),
            _source(2**32 - 1, 2**53, (7,)),
        ],
        "cue": [
            _cue(0, 0, 0.0, EXTREMES, last=False),
            _cue(2**31, 2**32 - 1, 123.456789, (-5, 5), last=True),
            _cue(9, 3, 1.5, (), last=True),
        ],
        "refused": [
            _refused("", decode_frame),
            _refused("01" + "00" * 18, decode_frame),
            _refused("02" + "00" * 19, decode_frame),
            _refused("0101" + "00" * 18, decode_frame),
            _refused("01000100" + "00" * 16, decode_frame),
            _refused("01" + "00" * 11 + "ff" * 8, decode_frame),
            _refused("01" + "00" * 20, decode_frame),
            _refused("01" + "00" * 19, decode_cue_frame),
            _refused("0202" + "00" * 18, decode_cue_frame),
        ],
        "text": _text(),
    }


def _text() -> dict[str, Any]:
    """What the page's watcher tells, and the message that the server takes for it: the player is
    at 20.5 s when media time 8 is captured, 50 ms behind it."""
    window = {
        "language": "de",
        "position": 20.0,
        "at": 1_000_000,
        "rate": 1,
        "until": 50.0,
        "cues": [
            {"start": 18.0, "end": 20.4, "text": "Das ist vorbei."},
            {"start": 20.0, "end": 22.0, "text": "<v Ida>Die Tür\n<i>steht</i> offen."},
            {"start": 23.0, "end": 24.0, "text": "[Donner]"},
            {"start": 25.0, "end": 29.0, "text": "- Ja?\n- Nein."},
        ],
    }
    message = {
        "type": "source_text",
        "language": "de",
        "from_s": 8.0,
        "until_s": 37.55,
        "cues": [
            {"start_s": 7.55, "end_s": 9.55, "text": "Die Tür steht offen."},
            {"start_s": 12.55, "end_s": 14.05, "text": "Ja?"},
            {"start_s": 14.05, "end_s": 16.55, "text": "Nein."},
        ],
    }
    taken = decode_message(json.dumps(message))
    assert isinstance(taken, SourceTextMessage)
    return {"window": window, "mediaS": 8.0, "nowMs": 1_000_500, "message": message}


def _source(sequence: int, media_time_us: int, samples: tuple[int, ...]) -> dict[str, Any]:
    frame = AudioFrame(sequence, media_time_us, np.array(samples, dtype="<i2").tobytes())
    data = encode_source_audio(frame)
    assert decode_frame(data) == frame
    return {
        "bytes": data.hex(),
        "sequence": sequence,
        "mediaTimeUs": media_time_us,
        "pcm": list(samples),
    }


def _cue(
    sequence: int, cue: int, start_s: float, samples: tuple[int, ...], *, last: bool
) -> dict[str, Any]:
    pcm = np.array(samples, dtype="<i2").tobytes()
    data = encode_cue_audio(
        CueAudio(cue=cue, start_s=start_s, sample_rate=16_000, pcm=pcm, last=last), sequence
    )
    return {
        "bytes": data.hex(),
        "sequence": sequence,
        "cue": cue,
        "mediaTimeUs": round(start_s * 1_000_000),
        "last": last,
        "pcm": list(samples),
    }


def _refused(data: str, decode: Any) -> dict[str, Any]:
    try:
        decode(bytes.fromhex(data))
    except WireError as error:
        return {"bytes": data, "by": decode.__name__, "code": error.code}
    raise AssertionError(f"{data} is a frame of the protocol")


def document() -> str:
    return json.dumps(fixtures(), indent=2) + "\n"


def main() -> int:
    if "--check" not in sys.argv:
        DOCUMENT.write_text(document(), encoding="utf-8")
        return 0
    return 0 if DOCUMENT.read_text(encoding="utf-8") == document() else 1


if __name__ == "__main__":
    raise SystemExit(main())
