"""A Whisper process: one model, and the streams that share it.

A thread takes messages in while the model works. When the pipe closes the process leaves at
once, in the middle of whatever it decodes.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from itertools import count

from pipeline.bounds import RECOGNISER_MESSAGES_MAX as WAITING_MAX
from pipeline.ports import EngineError
from pipeline.providers.speech_messages import Heard, Taken
from pipeline.providers.whisper.cadence import Cadence, Unheard
from pipeline.providers.whisper.decoding import WhisperDecoder
from pipeline.providers.whisper.ear import Ear
from pipeline.providers.whisper.messages import (
    Answer,
    Close,
    Failed,
    Load,
    Loaded,
    Open,
    Reply,
    Request,
    Said,
)
from pipeline.runtime.worker import ParentPipe


class Listener:
    """All streams of this process; what is decoded next is up to the cadence."""

    def __init__(
        self, pipe: ParentPipe[Request, Reply], decoder: WhisperDecoder, cadence: Cadence
    ) -> None:
        self._pipe = pipe
        self._decoder = decoder
        self._cadence = cadence
        self._ears: dict[int, Ear] = {}
        self._ends: dict[int, int] = {}
        """Stream → number of the end that waits there, among all ends."""
        self._number = count()

    @property
    def waiting(self) -> int:
        return sum(ear.waiting for ear in self._ears.values())

    def take(self, request: Request) -> None:
        if isinstance(request, Open):
            self._ears[request.stream] = Ear(request.languages)
        elif isinstance(request, Close):
            self._ears.pop(request.stream, None)
            self._ends.pop(request.stream, None)
        elif isinstance(request, Said) and request.stream in self._ears:
            self._ears[request.stream].push(request.piece)
            self._take_in(request.stream)

    def work(self) -> bool:
        """Decode one utterance; False where there is too little new audio everywhere."""
        stream = self._cadence.next(
            [
                Unheard(stream, ear.fresh_s, self._ends.get(stream))
                for stream, ear in self._ears.items()
                if ear.fresh_s or ear.ended
            ]
        )
        if stream is None:
            return False
        ear = self._ears[stream]
        begun = time.monotonic()
        hypothesis = ear.hear(self._decoder)
        self._cadence.spent(time.monotonic() - begun)
        if hypothesis is not None:
            self._pipe.reply(Answer(stream, Heard(hypothesis)))
        if self._ends.pop(stream, None) is not None:
            self._pipe.reply(Answer(stream, Taken()))
            self._take_in(stream)
        return True

    def _take_in(self, stream: int) -> None:
        ear = self._ears[stream]
        for _ in range(ear.take()):
            self._pipe.reply(Answer(stream, Taken()))
        if ear.ended and stream not in self._ends:
            self._ends[stream] = next(self._number)


def main() -> None:
    pipe: ParentPipe[Request, Reply] = ParentPipe(Request)
    requests = iter(pipe)
    load = next(requests, None)
    if not isinstance(load, Load):
        return
    inbox: queue.Queue[Request] = queue.Queue(WAITING_MAX)

    def take_in() -> None:
        try:
            for request in requests:
                inbox.put(request)
        finally:
            # There is nobody left to tell, and the model may have seconds to go.
            os._exit(0)

    threading.Thread(target=take_in, name="input", daemon=True).start()
    try:
        decoder = WhisperDecoder.load(
            load.model,
            device=load.device,
            compute_type=load.compute_type,
            threads=load.threads,
            beam_size=load.beam_size,
        )
    except EngineError as error:
        pipe.reply(Failed(error.code, str(error), error.detail))
        return
    listener = Listener(pipe, decoder, Cadence(cost_s=decoder.cost_s))
    pipe.reply(Loaded(decoder.multilingual))
    while True:
        if not listener.work():
            listener.take(inbox.get())
        # What waits in the ears is never so much for long: there is an end to decode then.
        while listener.waiting < WAITING_MAX and not inbox.empty():
            listener.take(inbox.get())


if __name__ == "__main__":
    main()
