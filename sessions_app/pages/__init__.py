"""Pages about what sessions use: engines and keys, usage, and for staff, operations."""
