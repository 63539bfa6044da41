"""onnxruntime without its telemetry.

As it comes it makes an id of the machine and keeps a database of events in the home folder,
to be sent to its maker. The product tells nobody what it does.
"""

from __future__ import annotations

import os

# Read once, when the library is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
