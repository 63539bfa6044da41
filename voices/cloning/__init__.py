"""How clones come to be, what they need of engines, and how they leave vendors again."""
