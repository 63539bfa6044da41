"""Voice actors, samples, consent and clones: the app that session voices will come from."""
