"""Checkpoint files: their format, reading them, restoring models from them, importing official ones."""
