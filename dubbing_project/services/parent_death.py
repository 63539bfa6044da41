"""Linux's own guarantee that a process does not outlive the one that started it."""

from __future__ import annotations

import ctypes
import signal

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent ends, however that ends.

    More exactly when the parent's thread that forked it does, so fork from a thread that
    stays. A parent that ended before this call goes unnoticed.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
