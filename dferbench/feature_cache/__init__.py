"""Features of frozen encoders, computed once and kept in memory and on disk."""
