"""`python -m dferbench` is the console script."""

from dferbench.cli import main

main()
