"""Postgres, Redis, the server and the worker as one unit that starts and stops together."""
