"""A file dubbed from end to end, and what is made of the dub: mixes, videos, subtitles, tags."""
