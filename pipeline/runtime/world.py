"""pyworld, imported quietly: it asks the deprecated pkg_resources for its own version."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyworld

__all__ = ["pyworld"]
