"""How another process goes on with a run: what it needs for that, and what it says again."""
