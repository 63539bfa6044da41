"""A dubbing session: its socket, its record, its metrics, its interface."""
