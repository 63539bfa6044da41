"""Pages about voices, below ``/voice-management``."""
