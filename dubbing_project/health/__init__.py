"""Is the server well? Bounded probes of what it stands on, and one public address."""
