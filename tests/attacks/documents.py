"""Records, suites and options: text that people hand on or type."""

import json
import os
import shutil

from fuzzing import BYTES

from attacks.words import ESCAPES, TEXTS, edited, value

KEYS = ("label", "title", "select", "method", "options", "note", "group", "given")
ANY = {0, 2, 3, 4, 5}
"""Exit codes of a command that says what it did not like."""


def records(folder, base, rng):
    """A runs folder of two, one of whose records was edited; the other must be shown."""
    runs = folder / "runs"
    shutil.copytree(base / "runs", runs)
    first = sorted(runs.rglob("record.json"))[0]
    curve = first.parent / "curve.json"
    if curve.exists() and rng.randrange(3) == 0:  # nothing that ranks reads it, whatever it is
        curve.write_bytes(rng.choice(BYTES)(curve.read_bytes(), rng))
    data = first.read_bytes()
    way = rng.randrange(8)
    if way == 0:
        first.write_bytes(rng.choice(BYTES)(data, rng))
    elif way == 1:
        first.unlink()
        rng.choice([os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])(first)
    else:
        record = json.loads(data)
        for _ in range(rng.randint(1, 3)):
            edited(record, rng)
        first.write_text(json.dumps(record), encoding="utf-8", errors="surrogatepass")
    verb = rng.choice([["leaderboard", str(runs)], ["leaderboard", str(runs), "--json"]])
    return verb, "zero-shot-clip", {0, 3, 4, 5}


def _toml(thing):
    """TOML of a suite with any values in it, right or not."""
    lines = [f"{key} = {_inline(one)}" for key, one in thing.items() if key != "rows"]
    for row in thing["rows"]:
        lines += ["[[rows]]", *(f"{key} = {_inline(one)}" for key, one in row.items())]
    return "\n".join(lines)


def _inline(one):
    if isinstance(one, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {_inline(v)}" for k, v in one.items()) + "}"
    return json.dumps(one) if one is not None else "nan"


def suites(folder, base, rng):
    path = folder / "suite.toml"
    suite = {
        "title": "T", "source": "S", "select": "last",
        "rows": [
            {"label": "one", "method": "zero-shot-clip", "options": {"backbone": "clip-tiny"}},
            {"label": "two", "method": "linear-probe", "options": {"backbone": "clip-tiny"}},
        ],
    }  # fmt: skip
    way = rng.randrange(6)
    if way == 0:
        os.mkfifo(path)
    elif way == 1:
        path.write_bytes(rng.choice(BYTES)(_toml(suite).encode(), rng))
    elif way == 2:
        deep = rng.choice(["a = " + "[" * 50_000, "a" + ".a" * 5000 + " = 1", "a = " + "{a=" * 9000])
        path.write_text(deep + "\n" + _toml(suite))
    else:
        if way == 3:
            suite["published"] = rng.choice(["/dev/zero", "/etc/passwd", "../x.toml", ".", rng.choice(TEXTS)])
        for _ in range(rng.randint(1, 2)):
            place = rng.choice([suite, *suite["rows"]])
            place[rng.choice(KEYS)] = value(rng)
        path.write_bytes(_toml({"rows": [], **suite}).encode("utf-8", "surrogatepass")[: 1 << 20])
    return ["table", str(path), "--runs", str(base / "runs")], "", ANY


OPTIONS = (
    lambda text, base: ["show", text],
    lambda text, base: ["list", text],
    lambda text, base: ["data", "info", text],
    lambda text, base: ["data", "info", f"folder(path={text})"],
    lambda text, base: ["data", "info", f"synthetic(videos={text})"],
    lambda text, base: ["leaderboard", str(base / "runs"), "--by", text],
    lambda text, base: ["run", "-m", text, "-d", "synthetic", "-o", "R"],
    lambda text, base: ["run", "-m", "linear-probe", "-d", f"nothing({text})", "-o", "R"],
    lambda text, base: ["run", "-m", "dfer-clip", "-d", "synthetic", "-o", "R", "--set", text or "x"],
    lambda text, base: [
        "run",
        "-m",
        "dfer-clip",
        "-d",
        "nothing",
        "-o",
        "R",
        "--set",
        f"input.sample={text}",
    ],
    lambda text, base: ["run", "-m", "dfer-clip", "-d", "nothing", "-o", "R", "--set", f"stage.train={text}"],
    lambda text, base: ["compare", text, str(base / "runs")],
    lambda text, base: ["predict", text, "-c", text],
    lambda text, base: [text],
)


def options(folder, base, rng):
    one = rng.choice(TEXTS)
    text = rng.choice([one, one + rng.choice(ESCAPES), f"{one}={value(rng, 50)}"[:30_000]])
    words = rng.choice(OPTIONS)(text, base)
    return [word.replace("\0", "?") for word in words], "", ANY
