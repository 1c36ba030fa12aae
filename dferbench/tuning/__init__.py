"""Settings searched on validation videos: what may vary, what was tried, what it gave."""
