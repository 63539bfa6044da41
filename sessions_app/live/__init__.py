"""A session while its client is here: which one it gets, and what the two say to each other.

``registry`` knows the live sessions of this process; the socket itself is
``sessions_app.consumer``.
"""
