"""Pictures of results. They draw what `report` and `statistics` compute, and compute nothing themselves."""
