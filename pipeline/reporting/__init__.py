"""What a run tells and keeps of itself: changes, notices, figures, and the queue they wait in."""
