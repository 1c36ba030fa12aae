"""The command line: one verb a file. Nothing here or below imports torch before a verb needs it."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dferbench import collector, exit_codes, stopping

if TYPE_CHECKING:
    from dferbench.errors import VideoError


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: run one command and exit with its code."""
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    stopping.conclude(code)
    collector.search_all()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    from dferbench.printable import screened

    with screened():
        return _outcome(arguments)


def _outcome(arguments: list[str]) -> int:
    """Run one command, say what went wrong, and return the exit code."""
    from dferbench.errors import DferbenchError, VideoError

    stopping.listen()
    try:
        code = _stoppable(arguments)
        sys.stdout.flush()  # at the end of the process nobody could say that it failed
        return code
    except VideoError as error:
        return _complain(str(error), _next_step(error, arguments), error.exit_code)
    except DferbenchError as error:
        return _complain(str(error), error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _complain("stopped", "Run the same command to continue.", exit_codes.CTRL_C)
    except stopping.Stopped:
        return _complain("stopped by SIGTERM", "Run the same command to continue.", exit_codes.STOPPED)
    except BrokenPipeError:
        return exit_codes.FAILED  # the reader of our output left, as `head` does; nothing more can be said
    except BaseException as error:
        return _unexpected(error)


def _unexpected(error: BaseException) -> int:
    """What is no error of ours: a path that cannot be one, a plugin that ends the program, or a bug."""
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return _complain(f"{str(error.filename)[:80]}: {error.strerror}", "Check the path.", exit_codes.DATA)
    if not isinstance(error, SystemExit):
        traceback.print_exc()
        return _complain(
            "this is a bug in dferbench or a plugin", "Please report the lines above.", exit_codes.FAILED
        )
    if isinstance(error.__context__, BrokenPipeError):  # so typer ends where the reader of the output left
        return exit_codes.FAILED
    # Nothing of ours ends the program so, and it would end without a word.
    ending = f"sys.exit({error.code!r:.200}) at {_place(error)}"
    return _complain(
        f"the code of a plugin or a library ended the program: {ending}",
        "Fix the plugin: what it cannot do should be an exception of another kind.",
        exit_codes.FAILED,
    )


def _stoppable(arguments: list[str]) -> int:
    """Whatever falls over once the process was asked to end is the stop, not an error of its own."""
    try:
        return _command(arguments)
    except BaseException:
        stopping.check()
        raise


def _command(arguments: list[str]) -> int:
    with collector.paused(keep=True):
        from typer.main import get_command

        from dferbench.cli.app import make_app, take_plugins, usage_errors
        from dferbench.cli.configured import defaults, with_configured

        plugins, arguments = take_plugins(arguments)
        command = get_command(
            make_app(with_configured(plugins, tell=arguments[:1] != ["config"]), *arguments[:1])
        )
        configured = defaults(command, arguments)
    try:
        result = command.main(arguments, prog_name="dferbench", standalone_mode=False, default_map=configured)
    except usage_errors() as error:
        where = error.ctx.command_path if error.ctx else "dferbench"
        # Without a command the help was shown already, and some versions have it as the message.
        bare = type(error).__name__ == "NoArgsIsHelpError"
        message = "no command is given" if bare else error.format_message()
        return _complain(message, f"See {where} --help.", exit_codes.USAGE)
    if result == exit_codes.CTRL_C:  # newer typers turn the interrupt into this before it gets here
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


def _complain(message: str, hint: str, code: int) -> int:
    from dferbench.printable import one_line

    # One line each, whatever a plugin or the operating system wrote.
    print(f"error: {one_line(message) or 'it failed without saying why'}", file=sys.stderr)
    print(f"hint: {one_line(hint) or 'dferbench doctor checks the installation.'}", file=sys.stderr)
    return code
