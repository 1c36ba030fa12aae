"""Work through the inputs of one kind and say what came of each: python work.py KIND BASE COUNT."""

import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

SECONDS = 30
OBEYED = {
    *map(chr, range(32)),
    *map(chr, range(127, 160)),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
}
OBEYED -= {"\n", "\t"}


class Hang(BaseException):
    pass


class Screen(io.StringIO):
    """Takes itself for a terminal, as a user's standard output is."""

    def isatty(self):
        return True


def makers():
    from attacks import documents, media_files, plugins

    return {
        "plugins": plugins.make, "records": documents.records, "suites": documents.suites,
        "options": documents.options, "checkpoints": media_files.checkpoints, "packs": media_files.packs,
        "lists": media_files.lists, "videos": media_files.videos,
    }  # fmt: skip


def attempt(make, kind, number, base):
    from fuzzing import watched

    from dferbench.cli import _run

    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=base))
    words, neighbour, codes = make(folder, base, random.Random(f"{kind} {number}"))
    out, err = Screen(), Screen()
    begun, code, fault = time.monotonic(), None, ""
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(SECONDS)
    homes = [os.environ["DFERBENCH_HOME"], os.environ["DFERBENCH_CACHE"], *filter(None, sys.path)]
    with watched(base, *homes) as outside:
        try:
            os.chdir(folder)
            with redirect_stdout(out), redirect_stderr(err):
                code = _run(words)
        except BaseException:
            fault = traceback.format_exc(limit=-3)
        finally:
            signal.alarm(0)
    # Marks of drawn videos and of crops are looked for in the folders above.
    outside = [path for path in outside if not _is_mark(Path(path), base)]
    shown = out.getvalue() + err.getvalue()
    shutil.rmtree(folder, ignore_errors=True)
    wrong = []
    wrong += [f"raises {fault}"] if fault else []
    wrong += [f"a traceback: {shown[-1500:]}"] if "Traceback" in shown or "this is a bug" in shown else []
    wrong += [f"exit {code}: {shown[-300:]}"] if not fault and code not in codes and not wrong else []
    wrong += [f"opened {outside[:3]}"] if outside else []
    wrong += [f"the neighbour is lost: {shown[-300:]}"] if neighbour not in out.getvalue() else []
    escapes = sorted(map(repr, OBEYED & set(shown)))
    return {
        "kind": kind, "number": number, "seconds": time.monotonic() - begun, "wrong": wrong, "code": code,
        "escapes": escapes, "words": [word[:80] for word in words],
    }  # fmt: skip


def _is_mark(path, base):
    return path.parent in base.parents and path.name in ("faces.json", "MADE-BY-DFERBENCH.txt")


def _hang(*_):
    raise Hang


def gigabytes():
    """The most memory that this program has had, without what the process had before it was this one."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1e6


def main():
    import torchmetrics.functional.classification  # noqa: F401 - its import looks for fonts everywhere

    kind, base, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    make = makers()[kind]
    # What takes all memory of the machine would end more than this test.
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    screen = os.fdopen(os.dup(1), "w")
    for number in range(count):
        print(json.dumps(attempt(make, kind, number, base)), file=screen, flush=True)
    print(json.dumps({"gigabytes": gigabytes()}), file=screen, flush=True)


if __name__ == "__main__":
    main()
