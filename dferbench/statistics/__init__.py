"""How sure a number is: intervals, paired differences and tests, as functions of arrays.

Nothing here reads files or knows records; what does hands in predictions and metrics.
"""
