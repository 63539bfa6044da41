"""Glossaries: terms that a translation must keep, a person's own and their teams'."""
