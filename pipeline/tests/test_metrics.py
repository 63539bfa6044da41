"""What a scrape shows after the product has counted something."""

from __future__ import annotations

import asyncio
import gc
import os
import signal

import numpy as np
import pytest

from pipeline import metrics
from pipeline.events import Latencies
from pipeline.hearing.recognition import Recognition
from pipeline.metrics import LabelValues
from pipeline.ports import RecognitionOptions, TranslationRequest
from pipeline.providers.offline.espeak_pool import EspeakPool
from pipeline.providers.offline.espeak_worker import SpeakJob
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.offline.translator import ApertiumTranslator
from pipeline.types import SpeechPiece


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_line_is_observed_in_seconds_by_stage_and_by_the_engine_of_the_stage() -> None:
    latencies = Latencies(
        endpoint_ms=100,
        recognition_ms=20,
        translation_ms=8,
        synthesis_ms=50,
        total_ms=425,
        lag_ms=2400,
    )
    labels = {"stage": "translation", "engine": "test-translator"}
    spoken = value("dubbing_lines_spoken_total", engine="test-voice")
    lag = value("dubbing_lag_seconds_sum")
    metrics.observe_line(latencies, "test-voice", {"translation": "test-translator"})
    assert value("dubbing_line_seconds_sum", **labels) == pytest.approx(0.008)
    assert value("dubbing_line_seconds_bucket", **labels, le="0.005") == 0
    assert value("dubbing_line_seconds_bucket", **labels, le="0.01") == 1
    total = {"stage": "total", "engine": "test-voice"}
    assert value("dubbing_line_seconds_sum", **total) == pytest.approx(0.425)
    assert value("dubbing_lines_spoken_total", engine="test-voice") == spoken + 1
    assert value("dubbing_lag_seconds_sum") == pytest.approx(lag + 2.4)


def test_label_values_are_capped_and_must_be_well_formed() -> None:
    labels = LabelValues(2)
    assert [labels.bounded(code) for code in ("a", "b", "c", "a")] == ["a", "b", "other", "a"]
    assert LabelValues(9).bounded("two words\n") == "other"
    assert LabelValues(9).bounded("x" * 49) == "other"


def test_a_flood_of_error_codes_adds_few_series() -> None:
    for number in range(1000):
        metrics.count_error(f"invented_{number}")
    lines = metrics.exposition().decode().splitlines()
    assert len([line for line in lines if line.startswith("dubbing_errors_total{")]) <= 97
    assert value("dubbing_errors_total", code="other") >= 900


class Queue:
    def __init__(self, size: int) -> None:
        self.size = size


def test_the_fullest_living_queue_is_shown() -> None:
    small, large = Queue(2), Queue(7)
    for queue in (small, large):
        metrics.track_queue("test", queue, lambda each: each.size)
    assert value("dubbing_queue_size", queue="test") == 7
    del large, queue
    gc.collect()
    assert value("dubbing_queue_size", queue="test") == 2


def test_counts_and_gauges_reach_the_scrape() -> None:
    # The greatest of all that live is shown, and a run of another test may not be collected yet.
    session = Queue(2_000_000)
    metrics.track_backlog(session, lambda each: each.size / 2)
    runs = value("dubbing_runs")
    metrics.set_sessions(attached=2, detached=1)
    metrics.run_began()
    metrics.run_ended()
    metrics.count_skip("too_late")
    metrics.count_merge()
    moved = value("dubbing_resumes_total", how="moved")
    came = value("dubbing_message_bytes_total", direction="in", kind="binary")
    metrics.count_resume("moved")
    metrics.count_refusal(4999)
    metrics.count_dropped_audio(0.5)
    metrics.count_message_in("binary", 2068)
    metrics.count_message_out("text", 100)
    metrics.set_bound("test", 8, "seconds")
    text = metrics.exposition().decode()
    for line in (
        'dubbing_sessions{state="attached"} 2.0',
        'dubbing_sessions{state="detached"} 1.0',
        'dubbing_refusals_total{close_code="4999"} 1.0',
        'dubbing_bound{name="test",unit="seconds"} 8.0',
        "# HELP dubbing_lag_seconds ",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_open_fds ",
    ):
        assert line in text
    assert value("dubbing_backlog_seconds") == 1_000_000
    assert value("dubbing_runs") == runs
    assert value("dubbing_resumes_total", how="moved") == moved + 1
    assert value("dubbing_message_bytes_total", direction="in", kind="binary") == came + 2068
    assert metrics.session_counts() == {"attached": 2, "detached": 1}
    metrics.set_sessions(attached=0, detached=0)


def restarts(engine: str) -> float:
    return value("dubbing_worker_restarts_total", engine=engine)


async def test_a_killed_voice_process_is_counted() -> None:
    before = restarts("espeak")
    pool = EspeakPool(size=1, waiting=4)
    job = SpeakJob(text="a", voice="en", pitch=50, pitch_range=50, rate=1.0, fit_s=None, tempo=1.0)
    try:
        await pool.run(job)
        (worker,) = pool._live
        os.kill(worker.pid, signal.SIGKILL)
        await pool.run(job)
    finally:
        await pool.aclose()
    assert restarts("espeak") == before + 1


async def test_a_killed_translation_pipe_is_counted() -> None:
    before = restarts("apertium")
    translator = ApertiumTranslator()
    request = TranslationRequest("the house", "en", "es")
    try:
        await translator.translate(request)
        (group,) = translator.process_groups()
        os.killpg(group, signal.SIGKILL)
        await translator.translate(request)
    finally:
        await translator.aclose()
    assert restarts("apertium") == before + 1


async def test_a_killed_recogniser_is_counted() -> None:
    before = restarts("pocketsphinx")
    recognizer = PocketSphinxRecognizer(streams_max=1)
    recognition = Recognition(recognizer, RecognitionOptions(languages=("en",)), lambda: None)
    await recognition.open()
    try:
        (stream,) = recognizer._streams
        os.kill(stream.pid, signal.SIGKILL)
        silence = np.zeros(1600, np.int16)
        await recognition.push(SpeechPiece(utterance=0, start=0, pcm=silence, ends=True))
        recognition.finish()
        async with asyncio.timeout(60):
            async for _ in recognition.hypotheses():
                pass
    finally:
        await recognition.aclose()
        await recognizer.aclose()
    assert restarts("pocketsphinx") == before + 1
