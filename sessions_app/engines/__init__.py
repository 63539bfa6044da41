"""Which engines a session may have, with which keys, languages, voices and memory."""
