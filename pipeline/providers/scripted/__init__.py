"""Engines that follow a script: they fill every port, need no model and never guess.

They obey the same contracts as the real ones (order, endings, errors), so whatever is
driven by them is driven as in production: tests of the pipeline and load tests. Not for
listening: "speech" is any tone, and what comes back is a hum.
"""
