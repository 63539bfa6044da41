"""Is a recording of a person good enough to know and to copy their voice? Measured, then said.

``analyse`` does it all. Blocking code, about 2 % of a recording's length on one core: for a
worker, never for an event loop.
"""

from pipeline.sample_quality.analysis import Analysis, StretchPrint, analyse
from pipeline.sample_quality.measures import Measures
from pipeline.sample_quality.recording import Recording, read_recording, write_flac
from pipeline.sample_quality.verdict import Reason, Rules, Verdict, judge

__all__ = [
    "Analysis",
    "Measures",
    "Reason",
    "Recording",
    "Rules",
    "StretchPrint",
    "Verdict",
    "analyse",
    "judge",
    "read_recording",
    "write_flac",
]
