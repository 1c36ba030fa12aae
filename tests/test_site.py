"""The site of the documentation: it needs no network, and what a reader would miss fails its build."""

import importlib.util
import re

import pytest
from conftest import ROOT

pytest.importorskip("furo")
pytest.importorskip("myst_parser")
build = pytest.importorskip("sphinx.cmd.build").build_main


@pytest.fixture(scope="module")
def conf():
    spec = importlib.util.spec_from_file_location("conf", ROOT / "docs" / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(tmp_path):
    """Build a site of one page with the settings of the documentation; gives the exit code and the page."""

    def go(text):
        (tmp_path / "docs" / "_static").mkdir(parents=True)
        (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n{text}\n")
        (tmp_path / "aside.md").write_text("# Outside\n")
        folders = [str(tmp_path / "docs"), str(tmp_path / "site")]
        code = build(["-W", "-q", "-b", "html", "-c", str(ROOT / "docs"), *folders])
        page = tmp_path / "site" / "index.html"
        return code, page.read_text() if page.exists() else ""

    return go


@pytest.mark.slow
def test_a_page_with_formulas_and_files_needs_no_network(site):
    code, page = site("The mean $\\frac{1}{n} \\sum_i x_i$, and [a page elsewhere](../aside.md).")
    assert code == 0
    assert "<math" in page and "<mfrac>" in page and "_downloads/" in page
    fetched = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*", page)
    assert not fetched and "@import" not in page


@pytest.mark.parametrize("text", ["[gone](gone.md)", "```{toctree}\ngone\n```"])
def test_a_link_to_nothing_fails_the_build(site, text, capsys):
    assert site(text)[0] != 0
    assert "gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("docstring", "shown"),
    [
        ("Takes *args, an x_ and `a*b`.", ["Takes \\*args, an x\\_ and `a*b`.", ""]),
        ("One line\nand another.", ["One line and another.", ""]),
        ("A tree:\n\n    a | b\n    c", ["A tree:", "", "::", "", "    a | b", "    c", ""]),
        ("- one *\n- two", ["- one \\*", "- two", ""]),
    ],
)
def test_docstrings_are_plain_text(conf, docstring, shown):
    lines = docstring.splitlines()
    conf.as_rest(None, "function", "x", None, None, lines)
    assert lines == shown


def test_signatures_are_short(conf):
    typed = "(x: ~torch.Tensor, f: ~collections.abc.Callable = <function A.<lambda>>) "
    assert conf.as_typed(None, "", "", None, None, typed, "~torch.Tensor") == (
        "(x: Tensor, f: Callable = ...) ",
        "Tensor",
    )


def test_every_public_name_is_on_a_page_of_the_interface(conf):
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "api").glob("*.md"))
    assert set(re.findall(r"automodule:: (\S+)", pages)) == set(conf.PUBLIC)
    conf.import_lazy_names()
    for name in conf.PUBLIC:
        module = importlib.import_module(name)
        assert set(module.__all__) <= set(vars(module)), name
