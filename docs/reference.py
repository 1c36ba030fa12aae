"""The pages of the reference, written from the code: `python docs/reference.py` writes all of them.

They are committed, so that they can be read where the source is; a test says which one is no longer current.
Whatever has no sentence of its own in the code is an error here, and is to be described there.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from dferbench import exit_codes, variables
from dferbench.cli.app import VERBS, make_app
from dferbench.experiment.curve import Epoch
from dferbench.experiment.record import Record
from dferbench.experiment.result_files import FILES
from dferbench.experiment.selected import HeldOut, Selected, SelectedByValidation
from dferbench.registry import hookspecs
from dferbench.registry.catalog import Catalog, discover
from dferbench.registry.kinds import KINDS
from dferbench.registry.ranges import value_range, written
from dferbench.report.aligned import aligned
from dferbench.report.plain import escape_markdown

DOCS = Path(__file__).parent
MODELS = (Record, Epoch, Selected, SelectedByValidation, HeldOut)
MADE = "Written by `python docs/reference.py` from the code, where the sentences stand."


class Undescribed(ValueError):
    """Something has no sentence that says what it is."""


def sentence(text: str | None, what: str) -> str:
    """The text in one line. Raises Undescribed if it is no sentence."""
    line = " ".join((text or "").split())
    if len(line.split()) < 2:
        raise Undescribed(f"{what} has no sentence that says what it is")
    return line


def escaped(text: str) -> str:
    """The text as Markdown, what stands in backticks as it is."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part.startswith("`") else escape_markdown(part) for part in parts)


def _page(title: str, intro: str, parts: Iterable[str]) -> str:
    return (
        "\n\n".join([f"# {title}", textwrap.fill(f"{intro} {MADE}", 110, break_on_hyphens=False), *parts])
        + "\n"
    )


def _table(rows: Iterable[tuple[str, ...]], *heads: str) -> str:
    return aligned(list(rows), heads, "pipe")


def commands_page(root: Any, verbs: Iterable[str]) -> str:
    """Every command of the group `root` with its arguments and options."""
    intro = "Every command of `dferbench` with its options; `dferbench COMMAND --help` prints the same."
    return _page("Commands", intro, [_options_of("dferbench", root), *_commands("dferbench", root, verbs)])


def _commands(above: str, group: Any, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        command, path = group.commands[name], f"{above} {name}"
        yield f"{'#' * len(path.split())} {path}"
        yield escaped(sentence(command.help, path))
        if inner := getattr(command, "commands", {}):
            yield from _commands(path, command, inner)
        elif command.params:
            yield _options_of(path, command)


def _options_of(path: str, command: Any) -> str:
    # Typer's own two, for completion, are worded by the version that is installed.
    own = [one for one in command.params if not one.opts[0].endswith("-completion")]
    return "\n".join(_option(path, one) for one in own)


def _option(path: str, one: Any) -> str:
    """One line of the list: names, what it is, and its default if it has one that says something."""
    is_argument = one.param_type_name == "argument"
    names = [(one.metavar or one.name).upper()] if is_argument else [*one.opts, *one.secondary_opts]
    facts = ["required"] if one.required else []
    facts += ["repeatable"] if getattr(one, "multiple", False) or one.nargs == -1 else []
    if type(one.default) in (str, int, float) or isinstance(one.default, Path):
        facts += [f"default `{one.default}`"] if str(one.default) and one.show_default else []
    described = escaped(sentence(one.help, f"{path} {names[0]}"))
    return f"- {', '.join(f'`{name}`' for name in names)}: {described}" + (
        f" ({', '.join(facts)})" if facts else ""
    )


def options_page(catalog: Catalog) -> str:
    """Every option of what comes with dferbench; what other distributions bring is left out."""
    intro = (
        "Methods take these with `--set NAME=VALUE`; parts take theirs in brackets, as in `--set "
        "temporal='cls-transformer(depth=2)'`. `dferbench show NAME` prints the same."
    )
    return _page("Options", intro, _kinds_of_options(catalog))


def _kinds_of_options(catalog: Catalog) -> Iterator[str]:
    for kind, entries in catalog.entries.items():
        own = [entry for _, entry in sorted(entries.items()) if _is_own(entry.origin)]
        described = [
            _model_of_options(entry.name, m) for entry in own if (m := entry.options) and m.model_fields
        ]
        if described:
            yield f"## {KINDS[kind].noun.capitalize()}s"
            yield from described


def _is_own(origin: str) -> bool:
    """Whether this distribution registered it."""
    return origin == "dferbench" or "(dferbench " in origin


def _model_of_options(name: str, model: type[BaseModel]) -> str:
    rows = [
        (
            f"`{option}`",
            f"`{written(field.default)}`",
            escape_markdown(value_range(model, option)),
            escape_markdown(sentence(field.description, f"{name}({option})")),
        )
        for option, field in model.model_fields.items()
    ]
    return f"### {name}\n\n{_table(rows, 'option', 'default', 'values', 'description')}"


def hooks_page(module: ModuleType) -> str:
    """Every hook that a module declares, with its signature and its docstring."""
    intro = (
        "A plugin implements any of these functions, marked with `dferbench.hookimpl`; each is called "
        "once, at start. [What a plugin may bring](../plugins.md) has an example of every one."
    )
    found = [one for one in vars(module).values() if hasattr(one, "dferbench_spec")]
    return _page("Hooks", intro, map(_hook, found))


def _hook(hook: Any) -> str:
    kind = KINDS.get(hook.__name__.removeprefix("register_"))
    paragraphs = (inspect.getdoc(hook) or "").split("\n\n")
    said = [escaped(_calls_marked(sentence(text, f"the hook {hook.__name__}"))) for text in paragraphs]
    called = f"`{hook.__name__}({', '.join(inspect.signature(hook).parameters)})`"
    return "\n\n".join([f"## {hook.__name__}", called, *([kind.about] if kind else []), *said])


def _calls_marked(text: str) -> str:
    """The text with every call such as `build(**options)` in backticks."""
    parts = re.split(r"(`[^`]+`)", text)
    call = re.compile(r"\b\w+\((?:[^()]|\(\))*\)")
    return "".join(part if part.startswith("`") else call.sub(r"`\g<0>`", part) for part in parts)


def variables_page(own: Mapping[str, str], heeded: Mapping[str, str]) -> str:
    """Every environment variable."""
    intro = "What is set in the environment holds for a whole shell; options of a command go first."
    tables = [_table(_described(one, "the variable"), "variable", "what it sets") for one in (own, heeded)]
    parts = ["## Of dferbench", tables[0], "## Of other programs", tables[1]]
    return _page("Environment variables", intro, parts)


def _described(known: Mapping[Any, str], what: str) -> list[tuple[str, str]]:
    return [(f"`{name}`", escaped(sentence(text, f"{what} {name}"))) for name, text in known.items()]


def exit_codes_page(meanings: Mapping[int, str]) -> str:
    """Every exit code."""
    intro = (
        "What a command ends with. The numbers are stable, so that scripts and schedulers can rely on them."
    )
    return _page("Exit codes", intro, [_table(_described(meanings, "exit code"), "code", "meaning")])


def record_page(models: Iterable[type[BaseModel]], files: Mapping[str, str]) -> str:
    """Every file of a run, and every field of the record and of what it holds."""
    intro = (
        "A run leaves a folder `DATASET/METHOD-CONFIGURATION/foldF-seedS` below the output folder. [Results "
        "that travel](../results.md) says how they are verified."
    )
    parts = ["## Files", _table(_described(files, "the file"), "file", "what it holds"), *map(_model, models)]
    return _page("Records and files", intro, parts)


def _model(model: type[BaseModel]) -> str:
    texts = docstrings(model)
    rows = [
        (f"`{field.alias or name}`", _range(model, field.alias or name), _text_of(model, name, texts))
        for name, field in model.model_fields.items()
    ]
    return (
        f"## {model.__name__}\n\n{escaped(_first(model))}\n\n{_table(rows, 'field', 'values', 'what it is')}"
    )


def _first(model: type[BaseModel]) -> str:
    return sentence((inspect.getdoc(model) or "").split("\n\n")[0], model.__name__)


def _text_of(model: type[BaseModel], name: str, texts: Mapping[str, str]) -> str:
    return escaped(sentence(texts.get(name), f"the field {model.__name__}.{name}"))


def _range(model: type[BaseModel], name: str) -> str:
    """What a field may be; that whole numbers end where a double is no longer exact is left out."""
    words = value_range(model, name)
    words = re.sub(r"whole number in \[-9\S+ 9\S+\]", "whole number", words)
    return escape_markdown(re.sub(r"whole number in \[(\d), 9\S+\]", r"whole number >= \1", words))


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field in the source of a model and of the models that it extends."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            (body,) = (node.body for node in ast.parse(textwrap.dedent(inspect.getsource(one))).body)
            for field, text in pairwise(body):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    found[ast.unparse(field.target)] = ast.literal_eval(text.value)
    return found


def pages() -> dict[str, str]:
    """Every page by its path below the folder of this script."""
    return {
        "reference/options.md": options_page(discover()),
        "reference/commands.md": commands_page(get_command(make_app()), VERBS),
        "reference/hooks.md": hooks_page(hookspecs),
        "reference/variables.md": variables_page(variables.OWN, variables.HEEDED),
        "reference/exit_codes.md": exit_codes_page(exit_codes.MEANINGS),
        "reference/record.md": record_page(MODELS, FILES),
    }


if __name__ == "__main__":
    (DOCS / "reference").mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
