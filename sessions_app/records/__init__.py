"""Sessions as they are kept: named, searched, listed, counted, taken away as files."""
