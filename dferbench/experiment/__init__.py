"""What is asked for and what is left of it: plans, suites, records, metrics and selection. No torch."""
