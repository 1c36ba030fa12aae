"""What the process ends with: every exit code and its meaning, as docs/reference/exit_codes.md has them.

They are stable, so that scripts and schedulers can rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping

DONE, FAILED, USAGE, INVALID, DATA, SOME_FAILED, STOPPED, CTRL_C = 0, 1, 2, 3, 4, 5, 75, 130

MEANINGS: Mapping[int, str] = {
    DONE: "Everything that was asked for is done.",
    FAILED: "The work failed: two lines say why and what to do, or a traceback shows a bug.",
    USAGE: "The command line is not valid: an unknown command or option, or a value of the wrong form.",
    INVALID: "An option, a recipe, a configuration, a record or a plugin is not valid, or a name is unknown.",
    DATA: "Data or weights are missing or cannot be read, or `verify` refused a result.",
    SOME_FAILED: "Some of several runs or files failed; the others are done.",
    STOPPED: "Stopped by SIGTERM, or what is left is with other processes; the same command continues.",
    CTRL_C: "Stopped by Ctrl-C; the same command continues.",
}
"""What each tells the caller."""
