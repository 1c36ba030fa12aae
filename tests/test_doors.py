"""The page on plugins and CONTRIBUTING are true: every door has a section, every example loads and works."""

import re
from types import SimpleNamespace

import pytest
from conftest import ROOT
from surface import PUBLIC, names_of, refused

from dferbench.registry.catalog import discover
from dferbench.registry.kinds import KINDS

LONGEST = 30
"""Lines of an example."""


def page_of(kind):
    """The page of a kind of thing."""
    return f"docs/plugins/{kind}.md"


def shown(kind):
    """The plugin that the page of a kind shows."""
    (code,) = re.findall(
        r"<!-- file: \w+\.py -->\n```python\n(.*?)```", (ROOT / page_of(kind)).read_text(), re.DOTALL
    )
    return code


def sections(page):
    """The sections of a page by heading."""
    parts = re.split(r"^## (.+)\n", (ROOT / page).read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def examples(page):
    """The Python of each section that registers something."""
    found = {
        name: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for name, text in sections(page).items()
    }
    return {name: code for name, codes in found.items() for code in codes if "@hookimpl" in code}


PLUGINS = {
    f"{page}: {name}": code
    for page in ("docs/plugins.md", "CONTRIBUTING.md")
    for name, code in examples(page).items()
} | {page_of(kind): shown(kind) for kind in KINDS}


@pytest.fixture
def load(tmp_path):
    """The catalog of an example, and its file."""

    def go(code):
        path = tmp_path / "mine.py"
        path.write_text(code)
        (tmp_path / "mine.toml").write_text('title = "mine"\n[[rows]]\nlabel = "a"\nmethod = "tiny"\n')
        return discover([path]), path

    return go


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_that_registers_one(kind, load):
    text, code = (ROOT / page_of(kind)).read_text(), shown(kind)
    assert text.startswith(f"# Your own {KINDS[kind].noun}\n") and f"`register_{kind}(register)`" in text
    assert f"def register_{kind}(register)" in code
    catalog, path = load(code)
    assert [one.name for one in catalog.entries[kind].values() if one.origin == str(path)]


def test_the_page_on_plugins_has_every_door():
    text, found = (ROOT / "docs/plugins.md").read_text(), sections("docs/plugins.md")
    assert set(found) == {"Commands", "Several plugins in one package", "While you edit a plugin"}
    linked = dict(re.findall(r"^\| \[([a-z ]+)\]\(plugins/(\w+)\.md\)", text, re.MULTILINE))
    assert linked == {kind.noun: name for name, kind in KINDS.items()}
    assert "`register_commands(app)`" in found["Commands"]
    assert "`plugin_modules()`" in found["Several plugins in one package"]


@pytest.mark.parametrize("name", PLUGINS)
def test_every_example_is_short_public_and_loads(name, load):
    code = PLUGINS[name]
    assert len(code.splitlines()) <= LONGEST
    assert not refused(code)
    catalog, path = load(code)
    assert not [one for one in catalog.broken if one.origin == str(path)] and not catalog.contested


def test_contributing_shows_what_people_add_most():
    registered = {re.search(r"def register_(\w+)", code)[1] for code in examples("CONTRIBUTING.md").values()}
    assert registered == {"methods", "metrics", "datasets", "trackers"}


def test_the_page_names_what_is_public():
    head = (ROOT / "docs/plugins.md").read_text().split("\n## ")[0]
    assert {module for module in re.findall(r"^\| `(dferbench[\w.]*)` \|", head, re.MULTILINE)} == set(PUBLIC)
    for module, row in re.findall(r"^\| `(dferbench[\w.]*)` \|(.*)\|$", head, re.MULTILINE):
        assert set(re.findall(r"`(\w+)`", row)) <= names_of(module), module


def make(load, kind):
    """The first thing of that kind that the page's example builds, as the host would."""
    catalog, path = load(shown(kind))
    (entry,) = [one for one in catalog.entries[kind].values() if one.origin == str(path)]
    return entry.load()


def test_the_parts_of_the_page_compute(load):
    import numpy as np
    import torch

    net = make(load, "backbones")("random")
    assert net(torch.rand(2, 3, 64, 64)).shape == (2, net.dim)
    assert torch.allclose(
        make(load, "temporal_heads")(4, 2, power=1.0)(torch.ones(3, 2, 4)), torch.ones(3, 4)
    )
    assert make(load, "samplers")()(10, 4, None).tolist() == [6, 7, 8, 9]
    assert make(load, "samplers")()(2, 4, None).tolist() == [0, 0, 0, 1]
    frames = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    assert make(load, "augmentations")(p=1.0).draw(2, 2, 2, np.random.default_rng(0))(frames).min() == 255
    assert make(load, "metrics")(SimpleNamespace(confusion=[[3, 1], [0, 0]])) == 75
    assert make(load, "schedules")(2, 5)(1.0, 1, 5) == 0.5
    weight = torch.nn.Parameter(torch.ones(1))
    assert make(load, "optimizers")([{"params": [weight], "lr": 0.1}], 0.0).param_groups[0]["lr"] == 0.1
    study = SimpleNamespace(command=["false"], runs=2)
    assert make(load, "launchers")(processes=3)(study) == [1, 1]


def test_the_decoder_and_the_face_finder_of_the_page_work(load, tmp_path):
    import numpy as np

    np.save(tmp_path / "video.npy", np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3))
    read = make(load, "decoders")()
    assert read(str(tmp_path / "video.npy"), lambda count: [0, count - 1])[1, 0, 0, 0] == 48
    face = make(load, "face_finders")()(np.zeros((100, 200, 3), np.uint8), "video", 0)
    assert face.box == (75, 12.5, 125, 62.5)


def test_the_suite_of_the_page_lies_beside_its_plugin(load):
    assert make(load, "suites").name == "mine.toml"


def test_the_dataset_of_the_page_lists_its_videos(load, tmp_path):
    (tmp_path / "train.csv").write_text("a.mp4,tense\n")
    (video,) = make(load, "datasets")().videos(tmp_path, 1, "train")
    assert (video.id, video.label) == ("a.mp4", 1)


@pytest.mark.slow
def test_the_method_keeps_the_contract(tmp_path, cli):
    """That of CONTRIBUTING; the page on methods runs the check itself."""
    (tmp_path / "mine.py").write_text(PLUGINS["CONTRIBUTING.md: A method"])
    cli("--plugin", "mine.py", "check", "tiny", check=0)
