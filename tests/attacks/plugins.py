"""Files that are given as plugins."""

from test_plugin_faults import AT_IMPORT, HOOKS, UNPRINTABLE, hook

from attacks.words import TEXTS

CLOSES = ("os.close", "__stdout__")
"""These reach beyond the stand-ins of the test itself; they are tested in processes of their own."""
BODIES = (
    "register({0!r}, len)", "register({0!r}, {0!r})", "register('mine', len, about={0!r})", "register({0!r})",
    "raise ValueError({0!r})", "raise SystemExit({0!r})", "register('mine', {0!r})", "register(len, len)",
    "register('mine', 'nothing:{0}'.replace(chr(0), ''))", "raise BaseException({0!r})", "print({0!r})",
)  # fmt: skip
KINDS = (
    "methods", "datasets", "backbones", "temporal_heads", "prompts", "decoders", "face_finders", "metrics",
    "samplers", "augmentations", "optimizers", "schedules", "trackers", "launchers", "suites",
)  # fmt: skip
COMMANDS = (
    "app.command({0!r})(lambda: None)", "app.command({0!r})(len)", "app.add_typer(app, name={0!r})",
    "app.callback()(print)", "app.command('run')(lambda: print({0!r}))",
    "app.registered_commands.append({0!r})",
    "app.command(help={0!r})(lambda: None)", "app.command('mine', help={0!r})(lambda: None)",
)  # fmt: skip


def _code(rng):
    text = rng.choice(TEXTS)
    way = rng.randrange(4)
    if way == 0:
        return rng.choice([code for code in AT_IMPORT if not any(word in code for word in CLOSES)])
    if way == 1:
        return hook(*rng.choice(list(HOOKS.items())))
    if way == 2:
        return hook("register_commands(app)", rng.choice(COMMANDS).format(text))
    return UNPRINTABLE + hook(f"register_{rng.choice(KINDS)}(register)", rng.choice(BODIES).format(text))


def make(folder, base, rng):
    path = folder / "evil.py"
    code = _code(rng).encode("utf-8", "surrogatepass")
    path.write_bytes(code if rng.random() < 0.9 else code[: rng.randrange(len(code))] + b"\xff\x00")
    verb = rng.choice([["list"], ["list", "methods", "--json"], ["show", "dfer-clip"], ["list", "metrics"]])
    if verb[0] == "show":  # whoever names a file wants what it has, and is told if that is nothing
        return ["--plugin", str(path), *verb], "", {0, 3}
    return ["--plugin", str(path), *verb], "uar" if "metrics" in verb else "dfer-clip", {0}
