"""Results as pages to read: one file that needs nothing else, or a folder of linked pages."""
