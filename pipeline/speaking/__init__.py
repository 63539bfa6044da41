"""From lines to cues: translation and synthesis, the order of lines, their place in time."""
