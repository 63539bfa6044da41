"""The REST addresses of sessions, their lines, engines, languages and use."""
