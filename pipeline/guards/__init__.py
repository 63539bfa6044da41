"""What stands between a run and its engines: fail-over, breakers, limits, cache and usage.

Each guard fills the port that it guards, so a run knows nothing of them. Engines are shared
by many runs; guards are made for one run, and share the breakers and gates of its vendors.
"""
