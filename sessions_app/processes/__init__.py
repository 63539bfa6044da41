"""What server processes know of themselves and say to one another; never audio."""
