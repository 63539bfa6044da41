"""The composition root: settings, routes, processes. Nothing else imports it, and every process
does so before the rest of the project.
"""

import os

# Read once, when numpy is loaded. Arrays here are small: a second thread only waits for the
# next product, spinning, and took half a core from twenty live sessions.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
