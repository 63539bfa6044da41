"""One run's lines for others who listen to the same source: told, passed on, waited for."""
