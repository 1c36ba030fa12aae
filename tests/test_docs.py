"""The documents are true: their commands run, their code works."""

import inspect
import re
import shlex
import subprocess

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def marked(name):
    """The command in the code block behind a marker of the README."""
    return re.search(rf"<!-- {name} -->\n```bash\n(.*?)```", README, re.DOTALL)[1].strip()


def test_ci_runs_the_readmes_test_command():
    script = (ROOT / ".ci" / "run").read_text()
    pick = re.search(r"command=\$\((.*)\)", script)[1]
    done = subprocess.run(["bash", "-c", pick], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == marked("tests")
    assert "pytest" in marked("tests")


def test_the_main_command_is_the_main_job():
    assert marked("main").endswith("dferbench run --model dfer-clip --dataset synthetic")
    assert "pip install ." in marked("main")


COMMANDS = re.findall(r"^(dferbench [^#\n]*)", README, re.MULTILINE)


def test_every_command_is_in_the_readme():
    """What the command line offers, a newcomer finds."""
    from dferbench.cli.app import make_app

    names = {command.name for command in make_app().registered_commands}
    assert names <= {word for command in COMMANDS for word in command.split()}


def test_links_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text()):
            assert target.startswith("http") or (ROOT / target).exists(), f"{name}: {target}"


def test_the_page_on_recipes_has_every_rule_with_its_defaults():
    from dferbench import spec
    from dferbench.registry.catalog import discover

    entries = discover().entries
    parts = [
        {name: entry.load() for name, entry in entries[kind].items() if entry.origin == "dferbench"}
        for kind in ("samplers", "augmentations", "optimizers", "schedules")
    ]
    page = (ROOT / "docs" / "recipes.md").read_text()
    tables = [re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) for table in page.split("|---|---|")[1:]]
    for listed, rules in zip(tables, parts, strict=True):
        calls = [spec.parse_one(text) for text in listed if not text.startswith(("input.", "stage."))]
        assert [call.name for call in calls] == list(rules)
        for call in calls:
            known = inspect.signature(rules[call.name]).parameters
            stated = {n: p.default for n, p in known.items() if p.default is not p.empty and n != "shuffle"}
            assert call.options == stated, call.name


METRICS_PAGE = (ROOT / "docs" / "metrics.md").read_text()


def test_the_page_on_metrics_has_every_metric_as_the_table_has_it():
    from dferbench.experiment.metrics import METRICS

    sections = re.findall(r"^## ([\w-]+): (.+?)\n\n(.*?)(?=^## )", METRICS_PAGE, re.MULTILINE | re.DOTALL)
    assert [name for name, _, _ in sections] == list(METRICS)
    for name, title, section in sections:
        one, text = METRICS[name], " ".join(section.split())
        assert title == one.title and text.startswith(one.about) and "$$" in text, name
        assert f"Range {one.range}" in text and "Source: " in text, name
        called = re.search(r"Also called: (.*?)\.", text)
        assert tuple(called[1].split(", ") if called else ()) == one.aliases, name


def test_the_commands_and_the_plugin_of_the_page_on_metrics_work(in_process, tmp_path):
    from test_tables import make

    from dferbench.experiment import record

    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    (tmp_path / "gmean.py").write_text(re.search(r"```python\n(.*?)```", METRICS_PAGE, re.DOTALL)[1])
    record.write(make("a", 0, confusion=[[9, 1], [6, 4]]), tmp_path / "runs" / "a")
    commands = re.findall(r"^dferbench (.+)", METRICS_PAGE, re.MULTILINE)
    said = [in_process(*shlex.split(command), check=0).stdout for command in commands]
    assert len(said) == 4 and "weighted-f1" in said[0] and "macro F1" in said[1] and "59.61" not in said[2]
    assert "G-mean" in said[3] and "60.00" in said[3]


def tables_of_keys(page):
    """The keys in each table of a page whose head begins with Key, by that head."""
    tables = re.findall(r"^\| (Key [^|]+?) \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    return {head: re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE) for head, rows in tables}


def test_the_page_on_suites_has_every_key_and_its_file_can_be_read(tmp_path):
    from dferbench.experiment.suite import RowFile, SuiteFile, read_suite

    page = (ROOT / "docs" / "suites.md").read_text()
    assert tables_of_keys(page) == {
        "Key of a suite": list(SuiteFile.model_fields),
        "Key of a suite's row": list(RowFile.model_fields),
    }
    (tmp_path / "widths.toml").write_text(re.search(r"```text\n(.*?)```", page, re.DOTALL)[1])
    rows = read_suite(tmp_path / "widths.toml").rows
    assert dict(rows[1].sets) == {"words": "8", "input.frames": "8"} and rows[1].note


def test_the_page_on_published_numbers_has_every_key_of_their_files():
    from dferbench.experiment.printed import Printed, PrintedFile, PrintedProtocol

    page = (ROOT / "docs" / "published.md").read_text()
    own = [name for name in Printed.model_fields if name not in PrintedProtocol.model_fields]
    known = {
        "Key of the file": list(PrintedFile.model_fields),
        "Key of a row": own,
        "Key of the protocol": list(PrintedProtocol.model_fields),
    }
    assert tables_of_keys(page) == known
    for name, field in PrintedProtocol.model_fields.items():  # and every word that a key may be
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        for words in re.findall(r"Literal\[(.*?)\]", str(field.annotation)):
            assert all(f'"{word}"' in row for word in re.findall(r"'(.*?)'", words)), (name, words)


def test_the_files_of_the_page_on_published_numbers_can_be_read(tmp_path):
    from dferbench.experiment.suite import read_suite

    page = (ROOT / "docs" / "published.md").read_text()
    for name, lines in re.findall(r"<!-- file: (\S+) -->\n```text\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(lines)
    rows = read_suite(tmp_path / "mine.toml").rows
    assert rows[0].printed.protocol("dfew").folds == (1,) and rows[0].printed.protocol("x").folds == "all"
    assert rows[1].printed.results == {"synthetic": {"uar": 99.0, "war": None}}
