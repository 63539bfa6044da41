"""Web sites to dub: pages with media, served from this machine at two origins."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".vtt": "text/vtt",
    ".wav": "audio/wav",
    ".webm": "audio/webm",
}
STRICT = "default-src 'none'; media-src 'self'; script-src 'self'; frame-src *"
BLOCK_S = 0.1


@dataclass(frozen=True, slots=True)
class Site:
    """``url`` and ``other_url`` are two origins with the same content."""

    url: str
    other_url: str


@contextmanager
def serving(folders: list[Path]) -> Iterator[Site]:
    """Files of the folders; ``?csp`` adds a strict policy. ``/live.wav`` never ends: it is
    ``speech.wav``, or the sound file behind its question mark, over and over."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/live.wav":
                return self.stream(query or "speech.wav")
            found = self.found(path[1:])
            if found is None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            data = found.read_bytes()
            first, last = self.wanted(len(data))
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Type", TYPES.get(found.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(last + 1 - first))
            self.send_header("Accept-Ranges", "bytes")
            if "Range" in self.headers:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            if "csp" in query:
                self.send_header("Content-Security-Policy", STRICT)
            self.end_headers()
            self.write(data[first : last + 1])
            return None

        def found(self, name: str) -> Path | None:
            return next((folder / name for folder in folders if (folder / name).is_file()), None)

        def wanted(self, size: int) -> tuple[int, int]:
            first, _, last = (
                self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            )
            return int(first or 0), min(int(last or size - 1), size - 1)

        def stream(self, name: str) -> None:
            """Sound over and over at the pace of real time, of no known length."""
            path = self.found(name)
            assert path is not None, name
            sound = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "audio/wav")
            self.send_header("Connection", "close")
            self.end_headers()
            header = bytearray(sound[:44])
            header[4:8] = header[40:44] = b"\xff\xff\xff\x7f"
            self.write(bytes(header))
            size = int(BLOCK_S * 32_000)
            at, began = 0, time.monotonic() - 1.0
            while self.write((sound[44:] * 2)[at : at + size]):
                at = (at + size) % (len(sound) - 44)
                began += BLOCK_S
                time.sleep(max(0.0, began - time.monotonic()))
            self.close_connection = True

        def write(self, data: bytes) -> bool:
            try:
                self.wfile.write(data)
            except OSError:
                return False
            return True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Browsers hang up when they like."""

    servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
    threads = [threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True) for s in servers]
    for thread in threads:
        thread.start()
    try:
        yield Site(*(f"http://127.0.0.1:{server.server_port}" for server in servers))
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
