"""Dub a 16 kHz mono WAV file: client.py ws://127.0.0.1:8000 TOKEN talk.wav es dub.wav"""

import asyncio
import json
import struct
import sys
import uuid
import wave

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

HEADER = struct.Struct("<BBHIIQ")  # kind, flags, reserved, sequence, cue, media time in µs
CHUNK = 1024  # samples


async def send_sound(socket: ClientConnection, path: str) -> None:
    with wave.open(path) as source:
        number = 0
        while pcm := source.readframes(CHUNK):
            media_time_us = number * CHUNK * 1_000_000 // 16_000
            await socket.send(HEADER.pack(1, 0, 0, number, 0, media_time_us) + pcm)
            await asyncio.sleep(CHUNK / 16_000)  # as fast as it is spoken
            number += 1
    await socket.send(json.dumps({"type": "stop_dubbing"}))


async def main(server: str, token: str, path: str, language: str, out: str) -> None:
    async with connect(
        f"{server}/ws/example/{uuid.uuid4()}",
        subprotocols=[Subprotocol("dub.v1")],
        additional_headers={"Authorization": f"Token {token}"},
        max_size=None,
    ) as socket:
        await socket.send(json.dumps({"type": "start_dubbing", "target_language": language}))
        sending = None
        sound = bytearray()
        async for message in socket:
            if isinstance(message, bytes):
                *_, media_time_us = HEADER.unpack_from(message)
                sound += bytes(max(0, media_time_us * 16_000 // 1_000_000 * 2 - len(sound)))
                sound += message[HEADER.size :]
                continue
            event = json.loads(message)
            if event["type"] == "ready":
                sending = asyncio.create_task(send_sound(socket, path))
            elif event["type"] in {"transcript", "translation"}:
                print(event["language"], event["text"])
            elif event["type"] == "error":
                print(event["code"], event["message"], file=sys.stderr)
                if sending is None:
                    return
            elif event["type"] == "summary":
                break
    with wave.open(out, "wb") as dub:
        dub.setnchannels(1)
        dub.setsampwidth(2)
        dub.setframerate(16_000)  # what every `cue` names here; heed it in earnest
        dub.writeframes(sound)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
