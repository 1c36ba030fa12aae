"""The command line: one verb a file. Nothing here or below imports torch before a verb needs it."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dferbench.errors import VideoError

EXIT_DATA, EXIT_STOPPED, EXIT_CTRL_C = 4, 75, 130


class Stopped(BaseException):
    """The process was asked to end (SIGTERM); what was finished is kept and the same command continues."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: run one command and exit with its code."""
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    from dferbench.errors import DferbenchError, VideoError

    signal.signal(signal.SIGTERM, _stop)
    try:
        return _command(arguments)
    except VideoError as error:
        return _complain(str(error), _next_step(error, arguments), error.exit_code)
    except DferbenchError as error:
        return _complain(str(error), error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _complain("stopped", "Run the same command to continue.", EXIT_CTRL_C)
    except Stopped:
        return _complain("stopped by SIGTERM", "Run the same command to continue.", EXIT_STOPPED)
    except BrokenPipeError:
        # The reader of our output left, as `head` does; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except BaseException as error:
        return _unexpected(error)


def _unexpected(error: BaseException) -> int:
    """What is no error of ours: a path that cannot be one, a plugin that ends the program, or a bug."""
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return _complain(f"{str(error.filename)[:80]}: {error.strerror}", "Check the path.", EXIT_DATA)
    if not isinstance(error, SystemExit):
        traceback.print_exc()
        return _complain("this is a bug in dferbench or a plugin", "Please report the lines above.", 1)
    if isinstance(error.__context__, BrokenPipeError):  # so typer ends where the reader of the output left
        return 1
    # Nothing of ours ends the program so, and it would end without a word.
    code = "".join(c if c.isprintable() else "?" for c in f"{error.code!r:.200}")
    return _complain(
        f"the code of a plugin or a library ended the program: sys.exit({code}) at {_place(error)}",
        "Fix the plugin: what it cannot do should be an exception of another kind.",
        1,
    )


def _command(arguments: list[str]) -> int:
    from typer.main import get_command

    from dferbench.cli.app import make_app, take_plugins, usage_errors

    plugins, arguments = take_plugins(arguments)
    command = get_command(make_app(plugins))
    try:
        result = command.main(arguments, prog_name="dferbench", standalone_mode=False)
    except usage_errors() as error:
        where = error.ctx.command_path if error.ctx else "dferbench"
        return _complain(error.format_message(), f"See {where} --help.", 2)
    if result == EXIT_CTRL_C:  # newer typers turn the interrupt into this before it gets here
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _next_step(error: VideoError, arguments: list[str]) -> str:
    """What to do about a video, in options that the command has."""
    from dferbench.cli.app import takes

    return error.hint if takes("--skip-bad", arguments) else error.plain_hint


def _place(error: BaseException) -> str:
    """The file and line that raised an exception."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


def _stop(*_: object) -> None:
    raise Stopped


def _complain(message: str, hint: str, code: int) -> int:
    # One line each, whatever a plugin or the operating system wrote.
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    print(f"hint: {' '.join(hint.split())}", file=sys.stderr)
    return code
