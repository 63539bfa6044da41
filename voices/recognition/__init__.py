"""Recognising actors in what was heard: search, centroids, context, and what is learned.

The rule itself is ``pipeline.speakers.identification``; here is what it asks of Postgres.
"""
