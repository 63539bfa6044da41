"""What is kept in Redis for a while, and the connections to it."""
