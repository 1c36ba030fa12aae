"""A thousand hostile inputs, each made from its kind and number alone; `work` runs those of one kind."""
