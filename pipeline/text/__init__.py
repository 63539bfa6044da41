"""Written words, without sound: their form, their terms, and text that a client brings."""
