"""What a Python program calls: the work of the command line as functions, which the command line calls too.

`dferbench` itself offers what `HOMES` names. A function takes the words of its verb, gives what it found as
objects, raises the errors of `dferbench.errors`, prints nothing but progress, and keeps nothing to itself.
"""

from __future__ import annotations

HOMES = {
    "interface.run": ["run"],
    "interface.evaluate": ["evaluate"],
    "interface.predict": ["predict"],
    "interface.score": ["score"],
    "interface.runs": ["Runs", "load_runs"],
}
"""The module of each name, below `dferbench`; it is imported when the name is first used."""
NAMES = tuple(sorted(name for names in HOMES.values() for name in names))
