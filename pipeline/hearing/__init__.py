"""From sound to hypotheses: the first loop of a run, and what it keeps of the stream.

A run's door (``inbox``), the last seconds of its audio (``tape``), utterances (``segmenter``)
and a recogniser that outlives its engine (``recognition``).
"""
