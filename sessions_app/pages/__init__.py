"""Pages about sessions and what they use, and for staff about how that goes."""
