"""Recognition on real speech: word errors and waits at real-time pace.

    python -m pipeline.benchmarks.recognition [--data FOLDER] [--limit N]

Both recognisers hear the same recordings in the same run: pocketsphinx at its best
(the whole recording at once, cepstral mean over all of it) and ours as the live path
feeds it (chunks → voice activity → segmenter → streaming process), each recording a
stream of its own that starts without any knowledge of the speaker.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pocketsphinx

from pipeline.benchmarks.word_errors import (
    Recording,
    clean_recordings,
    normalized,
    read_pcm,
    word_errors,
)
from pipeline.hearing.segmenter import Segmenter
from pipeline.ports import RecognitionOptions, SpeechDetector
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.offline.voice_activity import SileroDetector
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, Hypothesis, Pcm

CHUNK_SAMPLES = 1024
TAIL_S = 0.6
"""Silence after each recording, so that its end is found and not announced."""


@dataclass
class Heard:
    words: list[str] = field(default_factory=list)
    endpoint_ms: list[float] = field(default_factory=list)
    recognition_ms: list[float] = field(default_factory=list)
    utterance_s: list[float] = field(default_factory=list)


def best_of_pocketsphinx(decoder: pocketsphinx.Decoder, pcm: Pcm) -> list[str]:
    decoder.start_utt()
    decoder.process_raw(pcm.tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return normalized(hypothesis.hypstr) if hypothesis else []


def word_ends_s(recording: Recording, pcm: Pcm) -> list[float]:
    """Ends of the reference's words by forced alignment; empty when it is impossible."""
    aligner = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", lm=None)
    if any(aligner.lookup_word(word) is None for word in recording.transcript):
        return []
    aligner.set_align_text(" ".join(recording.transcript))
    aligner.start_utt()
    aligner.process_raw(pcm.tobytes(), full_utt=True)
    aligner.end_utt()
    return [
        (segment.end_frame + 1) / 100
        for segment in aligner.seg() or ()
        if not segment.word.startswith(("<", "[", "("))
    ]


async def hear(
    recognizer: PocketSphinxRecognizer, detector: SpeechDetector, pcm: Pcm, ends_s: list[float]
) -> Heard:
    """One recording through the live path, at the pace at which it was spoken."""
    heard = Heard()
    stream = await recognizer.open(RecognitionOptions(languages=("en",)))
    segmenter, activity = Segmenter(), detector.open()
    decided: dict[int, float] = {}
    starts: dict[int, int] = {}
    audio = np.concatenate([pcm, np.zeros(int(TAIL_S * SAMPLE_RATE_HZ), np.int16)])

    async def speak() -> None:
        began = time.perf_counter()
        for sequence, at in enumerate(range(0, len(audio), CHUNK_SAMPLES)):
            part = audio[at : at + CHUNK_SAMPLES]
            due = began + (at + len(part)) / SAMPLE_RATE_HZ
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            pieces = segmenter.push(AudioChunk(sequence, at, part), await activity.push(part))
            for piece in pieces:
                starts.setdefault(piece.utterance, piece.start)
                if piece.ends:
                    now = decided[piece.utterance] = time.perf_counter()
                    speech_end = (piece.speech_end or piece.end) / SAMPLE_RATE_HZ
                    spoken = [end for end in ends_s if end <= piece.end / SAMPLE_RATE_HZ + 0.02]
                    last_word_s = max(spoken) if spoken else speech_end
                    heard.endpoint_ms.append((now - began - last_word_s) * 1000)
                    heard.utterance_s.append(speech_end - starts[piece.utterance] / SAMPLE_RATE_HZ)
                await stream.push(piece)
        for piece in segmenter.flush():
            decided[piece.utterance] = time.perf_counter()
            await stream.push(piece)
        await stream.finish()

    speaking = asyncio.create_task(speak())
    try:
        async for hypothesis in stream:
            _take(heard, hypothesis, decided)
        await speaking
    finally:
        speaking.cancel()
        await stream.aclose()
    return heard


def _take(heard: Heard, hypothesis: Hypothesis, decided: dict[int, float]) -> None:
    if hypothesis.is_final:
        waited_s = time.perf_counter() - decided[hypothesis.utterance]
        heard.recognition_ms.append(waited_s * 1000)
        heard.words += [text for word in hypothesis.words for text in normalized(word.text)]


async def measure(recordings: list[Recording]) -> None:
    recognizer, detector = PocketSphinxRecognizer(streams_max=1), SileroDetector()
    reference = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", fwdflat=False)
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    total, audio_s, cpu_s = Heard(), 0.0, 0.0
    try:
        for recording in recordings:
            pcm = read_pcm(recording.path)
            audio_s += len(pcm) / SAMPLE_RATE_HZ
            before = time.process_time()
            # Before ours, not meanwhile: it would take the processor that ours is timed on.
            best = best_of_pocketsphinx(reference, pcm)
            cpu_s += time.process_time() - before
            heard = await hear(recognizer, detector, pcm, word_ends_s(recording, pcm))
            errors = (
                word_errors(recording.transcript, best),
                word_errors(recording.transcript, heard.words),
            )
            _say(
                f"{recording.path.name:50} {len(recording.transcript):4} words, errors "
                f"best {errors[0]:3} ours {errors[1]:3}"
            )
            for name in (recording.group, "total"):
                for index, count in enumerate((len(recording.transcript), *errors)):
                    counts[name][index] += count
            total.endpoint_ms += heard.endpoint_ms
            total.recognition_ms += heard.recognition_ms
            total.utterance_s += heard.utterance_s
    finally:
        await recognizer.aclose()
    for name, (words, best_errors, our_errors) in counts.items():
        ratio = our_errors / best_errors if best_errors else float("nan")
        _say(
            f"WER {name:12} best {best_errors / words:.3f}  ours {our_errors / words:.3f}  "
            f"ratio {ratio:.2f}  ({words} words)"
        )
    _say(f"RTF of the best: {cpu_s / audio_s:.2f} over {audio_s:.0f} s")
    for label, values in (
        ("endpoint_ms", total.endpoint_ms),
        ("recognition_ms", total.recognition_ms),
        ("utterance_s", total.utterance_s),
    ):
        p50, p95 = np.percentile(values, [50, 95])
        _say(f"{label:15} p50 {p50:8.2f}  p95 {p95:8.2f}  ({len(values)} utterances)")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--limit", type=int, help="hear only the first N recordings")
    options = parser.parse_args()
    asyncio.run(measure(clean_recordings(options.data)[: options.limit]))


if __name__ == "__main__":
    main()
