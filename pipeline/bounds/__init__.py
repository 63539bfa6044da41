"""Every bound on a queue, a buffer, a cache or a wait, in one place.

``python -m pipeline.bounds`` prints them as the tables of ``pipeline/BOUNDS.md``, with
``--check`` it compares. The socket's and the server's are here too: what is bounded is one
path. Thresholds, frame sizes and rules of decision stay where they are used.

One queue of the name ``inbox``, say, is ``dubbing_queue_size{queue="inbox"}`` in the metrics,
and its bound ``dubbing_bound{name="inbox"}``.
"""

# isort: off
# The order is that of the document.
from pipeline.bounding import BOUNDS as BOUNDS
from pipeline.bounds.runs import *
from pipeline.bounds.engines import *
from pipeline.bounds.vendors import *
from pipeline.bounds.sessions import *
from pipeline.bounds.storage import *
from pipeline.bounds.voices import *
from pipeline.bounds.server import *
from pipeline.bounds.files import *
