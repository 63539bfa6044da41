"""Dub a 16 kHz mono WAV file: client.py ws://127.0.0.1:8000 TOKEN talk.wav es dub.wav

A connection that breaks on the way is opened again, and nothing is missed.
"""

import asyncio
import json
import struct
import sys
import time
import uuid
import wave
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

HEADER = struct.Struct("<BBHIIQ")  # kind, flags, reserved, sequence, cue, media time in µs
CHUNK = 1024  # samples
COME_BACK = {1001, 1006, 1011, 1012, 1013}
PATIENCE_S = 15


class Dub:
    """What has come of a session, over any number of connections."""

    def __init__(self, source: wave.Wave_read, language: str) -> None:
        self.source, self.language = source, language
        self.sound = bytearray()
        self.lines: dict[tuple[int, str], str] = {}
        self.over = False
        self.begin()

    def begin(self) -> None:
        self.began = self.alive = time.monotonic()
        self.last = -1  # sequence of the last message
        self.cue = self.samples = 0  # first cue whose sound is not complete; what came of it
        self.ready = False

    async def send(self, socket: ClientConnection, chunk: int, number: int) -> None:
        """What the server has not taken. A file is read again; live sound would be kept."""
        if number < 1:
            start = {"type": "start_dubbing", "target_language": self.language, "number": 1}
            await socket.send(json.dumps(start))
        self.source.setpos(min(chunk * CHUNK, self.source.getnframes()))
        while pcm := self.source.readframes(CHUNK):
            time_s = chunk * CHUNK / 16_000
            await asyncio.sleep(self.began + time_s - time.monotonic())  # as fast as it is spoken
            await socket.send(HEADER.pack(1, 0, 0, chunk, 0, round(time_s * 1e6)) + pcm)
            chunk += 1
        if number < 2:
            await socket.send(json.dumps({"type": "stop_dubbing", "number": 2}))

    def hear(self, frame: bytes) -> None:
        _, flags, _, self.last, cue, time_us = HEADER.unpack_from(frame)
        pcm = frame[HEADER.size :]
        self.samples = len(pcm) // 2 + (self.samples if cue == self.cue else 0)
        self.cue = cue
        if flags & 1:  # the cue is complete
            self.cue, self.samples = cue + 1, 0
        at = round(time_us * 16_000 / 1e6) * 2
        self.sound.extend(bytes(max(0, at - len(self.sound))))
        self.sound[at : at + len(pcm)] = pcm

    def read(self, event: dict[str, Any]) -> None:
        self.last = max(self.last, event["sequence"])  # -1 stands outside the count
        match event:
            case {"type": "ready"} | {"type": "resumed", "how": "moved"}:
                self.ready = True
            case {"type": "transcript" | "translation", "line": line, "text": text}:
                if self.lines.get((line, event["type"])) != text:  # a move may tell it again
                    print(line, event["language"], text)
                self.lines[line, event["type"]] = text
            case {"type": "error"}:
                print(event["code"], event["message"], file=sys.stderr)
                self.over = not self.ready
            case {"type": "summary"}:
                self.over = True

    async def talk(self, socket: ClientConnection) -> None:
        """One connection, to its end or the session's."""
        sending = None
        try:
            async for message in socket:
                self.alive = time.monotonic()
                if isinstance(message, bytes):
                    self.hear(message)
                else:
                    event = json.loads(message)
                    if event["type"] == "resumed":
                        if event["how"] == "new":
                            self.begin()
                        todo = self.send(socket, event["chunk"] + 1, event["number"])
                        sending = asyncio.create_task(todo)
                    self.read(event)
                if self.last % 32 == 0:
                    await socket.send(json.dumps({"type": "acknowledge", "sequence": self.last}))
                if self.over:
                    return
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)


async def main(server: str, token: str, path: str, language: str, out: str) -> None:
    address = f"{server}/ws/example/{uuid.uuid4()}"
    with wave.open(path) as source:
        dub = Dub(source, language)
        while not dub.over:
            place = f"?resume={dub.last}&cue={dub.cue}&samples={dub.samples}"
            try:
                async with connect(
                    address + place,
                    subprotocols=[Subprotocol("dub.v1")],
                    additional_headers={"Authorization": f"Token {token}"},
                    max_size=None,
                ) as socket:
                    await dub.talk(socket)
            except (OSError, InvalidHandshake, ConnectionClosed) as error:
                code = getattr(getattr(error, "rcvd", None), "code", 1006)
                if code not in COME_BACK or time.monotonic() > dub.alive + PATIENCE_S:
                    raise
                await asyncio.sleep(0.5)
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)  # what every `cue` names here; heed it in earnest
        sound.writeframes(dub.sound)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
