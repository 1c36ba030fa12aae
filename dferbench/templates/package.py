"""A first plugin, written from templates: a module, its packaging, a test, and the commands to try it."""

from __future__ import annotations

import keyword
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, DferbenchError, same
from dferbench.registry.catalog import Catalog
from dferbench.registry.kinds import KINDS

FILES = Path(__file__).parent / "files"
LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
WORDS = {"true", "false", "none", "auto", "all", "last"}
"""What options already mean by these words."""
MADE: Mapping[str, str] = {
    "method": "methods",
    "dataset": "datasets",
    "head": "temporal_heads",
    "prompt": "prompts",
    "metric": "metrics",
    "tracker": "trackers",
}
"""What can be made, and the kind of what it registers."""


@dataclass(frozen=True)
class Package:
    """A plugin to be written: `thing` is one of `MADE`, `name` what it registers."""

    thing: str
    name: str

    @property
    def kind(self) -> str:
        """The kind of what it registers."""
        return MADE[self.thing]

    @property
    def distribution(self) -> str:
        """What pip calls it; also the usual name of its folder."""
        return f"dferbench-{self.name.replace('_', '-')}"

    @property
    def module(self) -> str:
        """What Python calls it."""
        return self.distribution.replace("-", "_")

    @property
    def files(self) -> dict[str, str]:
        """Per file that it has the template that it is made from."""
        return {
            "pyproject.toml": "pyproject.toml.jinja",
            "README.md": "README.md.jinja",
            f"{self.module}.py": f"{self.thing}.py.jinja",
            f"tests/test_{self.module}.py": f"test_{self.thing}.py.jinja",
        }


def package_of(thing: str, name: str, catalog: Catalog) -> Package:
    """The package of a thing of that name.

    Raises ConfigError for a name that is none, is a word with a meaning of its own, or is taken.
    """
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise ConfigError(
            f"the name of a {thing} must be lower-case letters, digits and single hyphens, begin with a "
            f"letter and have {LONGEST} characters at most, got '{name:.60}'",
            f"Write for example: dferbench new {thing} my-{thing}",
        )
    if keyword.iskeyword(name) or keyword.iskeyword(name.capitalize()) or name in WORDS:
        raise ConfigError(
            f"'{name}' is a keyword of Python or the name of an option", f"Name it for example my-{name}."
        )
    made = Package(thing, name)
    noun = KINDS[made.kind].noun
    taken = next((one for one in catalog.entries[made.kind] if same(one, name)), None)
    if taken:
        raise ConfigError(
            f"the {noun} '{taken}' of {catalog.entries[made.kind][taken].origin} has that name already",
            f"Name it for example my-{name}.",
        )
    if find_spec(made.module):
        raise ConfigError(
            f"a module named {made.module} is installed already", f"Name it for example my-{name}."
        )
    return made


def write_package(package: Package, folder: Path) -> list[Path]:
    """Write the files of a package into a new folder, all or none; gives their paths.

    Raises ConfigError if something is there already, and DferbenchError if it cannot be written.
    """
    if folder.exists() or folder.is_symlink():
        raise ConfigError(
            f"{folder} is there already, and nothing is overwritten", "Name another folder with --output."
        )
    texts = _texts(package)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        room = Path(mkdtemp(prefix=".dferbench-new-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        for name, text in texts.items():
            (room / name).parent.mkdir(exist_ok=True)
            (room / name).write_text(text, encoding="utf-8")
        room.chmod(0o755)
        room.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return [folder / name for name in texts]


def _unwritable(folder: Path, error: OSError) -> DferbenchError:
    return DferbenchError(
        f"cannot write {folder}: {error.strerror or error}", "Name another folder with --output."
    )


def _texts(package: Package) -> dict[str, str]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # What is written is Python, TOML and Markdown, of names that were checked: nothing is to be escaped.
    environment = Environment(
        loader=FileSystemLoader(FILES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    facts = {
        "thing": package.thing,
        "name": package.name,
        "noun": KINDS[package.kind].noun,
        "label": f"{KINDS[package.kind].noun.replace(' ', '-')}/{package.name}",
        "distribution": package.distribution,
        "module": package.module,
        "commands": commands(package),
    }
    return {
        file: environment.get_template(template).render(facts) for file, template in package.files.items()
    }


def commands(package: Package, folder: Path | None = None) -> list[str]:
    """What to do next, up to a run that is trained and ranked; within the folder of the package if none is
    given."""
    file = f"{package.module}.py" if folder is None else (folder / f"{package.module}.py").as_posix()
    given = f"--plugin {shlex.quote(file)}"
    lines: list[str] = from_toml(read_text(FILES / "commands.toml"))[package.thing]
    return [line.format(name=package.name, given=given) for line in lines]
