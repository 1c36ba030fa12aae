"""Hostile pieces that every kind of input is made of."""

ESCAPES = (
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egpj.exe",
    "\x07",
    "\r\nfake: line",
    "\x00",
    "\u2066x",
)
"""What a terminal obeys, or shows in another order than it is written."""
TEXTS = (
    *ESCAPES, "", " ", "../../../etc/passwd", "/etc/passwd", "~root", "$HOME", "%s%n", "{0.__class__}",
    "=1+1",
    "<script>alert(1)</script>", "\\input{/etc/passwd}", "a" * 5000, "-" * 15000, "(" * 4000, "[" * 9000,
    "name(" * 2000, "'" * 99, "x(y=" + "-" * 9000 + "1)", "(a+)+b", "\ud800", "ﷺ" * 300, "None", "nan",
    "--help",
    "a\u0301" * 200, "http://127.0.0.1:9/x", "file:///etc/passwd", "con", "....", "|", "| |", "a|b|", "=",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 0.5, 1e308, -1e308, float("nan"), float("inf"), float("-inf"),
    True, False,
)  # fmt: skip


def deep(depth=3000):
    """A list in a list in a list ..."""
    found = []
    for _ in range(depth):
        found = [found]
    return found


def value(rng, depth=400):
    """Something that is probably of the wrong type."""
    return rng.choice(
        [
            lambda: rng.choice(TEXTS), lambda: rng.choice(NUMBERS), lambda: None, lambda: [], dict,
            lambda: deep(depth), lambda: {rng.choice(TEXTS): rng.choice(NUMBERS)},
            lambda: [rng.choice(TEXTS)] * rng.randint(1, 9), lambda: [[rng.choice(NUMBERS)] * 3] * 3,
            lambda: [1] * 100_000,
        ]
    )()  # fmt: skip


def edited(thing, rng):
    """A document of JSON with one value, somewhere in it, replaced, removed or doubled."""
    place, key = thing, None
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return thing
        key = rng.choice(keys)
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.4:
            break
        place = inner
    act = rng.randrange(5)
    if act == 0:
        del place[key]
    elif act == 1 and isinstance(place, dict):
        place[rng.choice(TEXTS)] = value(rng)
    else:
        place[key] = value(rng)
    return thing
