"""Results made ready for a repository of results: what may travel, verified as it will travel."""
