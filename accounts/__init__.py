"""People, their tokens, and one authentication rule with two faces (REST, sockets)."""
