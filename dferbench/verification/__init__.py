"""Whether results are what their records say: from their form to the checkpoint evaluated again."""
