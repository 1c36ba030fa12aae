"""Small packages to begin a plugin with: one that works at once for each kind that people write most."""
