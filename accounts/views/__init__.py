"""Pages about people: their account, their settings, their teams."""
