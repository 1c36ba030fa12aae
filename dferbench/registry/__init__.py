"""What plugins may bring and what they brought: hooks, the catalog, options, datasets by name."""
