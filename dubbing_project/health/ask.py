"""`python -m dubbing_project.health.ask`: exit status 0 while the server here is ready.

For a container's health check. Reads PORT alone, so that asking costs no settings.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request

from pipeline.bounds import ANSWER_SECONDS


def is_ready(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/api/health/ready"
    request = urllib.request.Request(url, headers={"Host": "localhost"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    raise SystemExit(0 if is_ready(int(os.environ.get("PORT") or 8000)) else 1)
