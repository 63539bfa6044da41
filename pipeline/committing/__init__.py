"""From hypotheses to lines: clauses are frozen, then given a text, a speaker and a voice."""
