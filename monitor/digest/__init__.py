"""The digest: what happened, what waits, and when it is told to whom."""
