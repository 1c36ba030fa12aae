"""What is configured holds where nobody says otherwise, each place before the next; and runs are repeated."""

import json
import os
import subprocess
import sys

import pytest
from conftest import TOY

from dferbench import configuration
from dferbench.cli import _run
from dferbench.cli.repeated import like
from dferbench.errors import ConfigError
from dferbench.experiment import record as records
from dferbench.experiment.plan import Request, settle
from dferbench.registry.catalog import discover

TINY = """
from dferbench import Observer, hookimpl

print("{mark} was loaded")


@hookimpl
def register_trackers(register):
    register("{name}", Observer, about="nothing")
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty working folder, and a user's folder of its own next to it."""
    here, user = tmp_path / "here", tmp_path / "user"
    here.mkdir()
    user.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("DFERBENCH_HOME", str(user))
    for name in [*os.environ]:
        if name.startswith(("DFERBENCH_ROOT_", "DFERBENCH_PLUGINS")):
            monkeypatch.delenv(name)
    return user


@pytest.fixture
def told(home, capsys):
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def go(*words):
        capsys.readouterr()
        code = _run([str(word) for word in words])
        return code, *capsys.readouterr()

    return go


def write(path, text):
    path.write_text(text)
    return path


def held(told):
    """Each setting that holds, with its value and source, as `dferbench config --json` has them."""
    found = json.loads(told("config", "--json")[1])["settings"]
    return {one["key"]: (one["value"], one["source"]) for one in found}


def test_the_environment_wins_over_the_working_folder_and_that_over_the_user(told, home, monkeypatch):
    write(home / "config.toml", 'device = "cuda:1"\njobs = 2\nworkers = 3\n')
    write(home.parent / "here/dferbench.toml", 'jobs = "auto"\nworkers = 4\n')
    monkeypatch.setenv("DFERBENCH_WORKERS", "5")
    assert held(told) == {
        "device": ("cuda:1", str(home / "config.toml")),
        "jobs": ("auto", "dferbench.toml"),
        "workers": ("5", "$DFERBENCH_WORKERS"),
    }
    text = told("config")[1]
    assert "cuda:1" in text and "$DFERBENCH_WORKERS" in text


def test_nothing_configured_says_which_files_are_read(told, home):
    code, out, _ = told("config")
    assert code == 0 and "dferbench.toml" in out and str(home / "config.toml") in out


def test_a_default_is_the_configured_one_until_the_command_line_says_otherwise(told, home, toy_root):
    write(home / "config.toml", 'output = "mine"\ndevice = "cuda:77"\n')
    words = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-j", 0]
    assert "cuda:77" in str(told(*words))
    other = str(told(*words, "--device", "cuda:78"))
    assert "cuda:78" in other and "cuda:77" not in other
    assert "mine" in str(told("runs")) and "mine" not in str(told("runs", "other"))
    assert "mine" in str(told("leaderboard")) and "mine" not in str(told("leaderboard", "--runs", "other"))


def test_an_option_of_the_same_name_that_means_something_else_keeps_its_default(told, home):
    write(home / "config.toml", 'output = "mine"\n')
    assert "mine" not in told("tune", "--help")[1] and "mine" in told("evaluate", "--help")[1]
    assert "mine" not in told("data", "sheet", "--help")[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('device = "cpu"\n\noutptu = "x"\n', ["dferbench.toml, line 3", "'outptu'", "Did you mean: output?"]),
        ('[rots]\nmafw = "x"\n', ["line 1", "'rots'", "roots"]),
        ("# jobs = 3\njobs = 0\n", ["line 2: jobs must be a whole number from 1 on", "got 0"]),
        ("workers = true\n", ["line 1: workers must be", "got True"]),
        ("workers = -1\n", ["line 1: workers must be", "got -1"]),
        ('plugins = "mine.py"\n', ["plugins must be a list of files", "got 'mine.py'"]),
        ("device = 3\n", ["device must be a text, got 3"]),
        ("jobs = 2\n[roots]\nmafw = 3\n", ["line 2: roots must be a table of paths"]),
        ('roots.mafw = ["x"]\n', ["line 1: roots must be"]),
        ("device = \n", ["dferbench.toml is not a valid configuration", "line 1"]),
    ],
)
def test_what_is_wrong_is_told_in_two_lines_with_file_and_line(told, home, text, words):
    write(home.parent / "here/dferbench.toml", text)
    code, _, err = told("list")
    assert code == 3 and all(word in err for word in words), err
    assert len(err.strip().splitlines()) == 2


def test_a_variable_that_is_wrong_is_named(told, home, monkeypatch):
    monkeypatch.setenv("DFERBENCH_JOBS", "many")
    code, _, err = told("list")
    assert code == 3 and "$DFERBENCH_JOBS" in err and "got 'many'" in err


def test_roots_of_the_working_folder_come_before_the_users(told, home, monkeypatch):
    from dferbench.places import place_of
    from dferbench.registry.datasets import make_dataset

    dataset = make_dataset("mafw", discover()).dataset
    write(home / "config.toml", '[roots]\nmafw = "/mine"\ndfew = "/theirs"\n')
    assert str(place_of("mafw", dataset).root) == "/mine"
    write(home.parent / "here/dferbench.toml", 'roots.mafw = "data/mafw"\n')
    place = place_of("mafw", dataset)
    assert str(place.root) == "data/mafw" and place.source == "dferbench.toml"
    assert str(place_of("dfew", dataset).root) == "/theirs"
    monkeypatch.setenv("DFERBENCH_ROOT_MAFW", "/now")
    assert str(place_of("mafw", dataset).root) == "/now"
    assert held(told)["roots.mafw"] == ("/now", "$DFERBENCH_ROOT_MAFW")


def test_a_link_keeps_what_else_the_users_file_says(told, home):
    write(home / "config.toml", '# my own\ndevice = "cpu"\n')
    (home / "data").mkdir()
    assert told("data", "link", "mafw", home / "data")[0] == 0
    assert "# my own" in (home / "config.toml").read_text()
    assert held(told)["roots.mafw"][0] == str(home / "data") and held(told)["device"][0] == "cpu"


def test_plugins_of_the_environment_and_the_user_are_loaded_once_each(told, home, monkeypatch):
    for name in ("a", "b"):
        write(home.parent / f"here/{name}.py", TINY.format(name=f"tracker-{name}", mark=name))
    write(home / "c.py", TINY.format(name="tracker-c", mark="c"))
    write(home / "config.toml", 'plugins = ["c.py"]\n')  # beside that file, wherever one stands
    monkeypatch.setenv("DFERBENCH_PLUGINS", os.pathsep.join(["a.py", "", "b.py"]))
    code, out, err = told("--plugin", home.parent / "here/a.py", "list", "trackers")
    assert code == 0 and all(f"tracker-{name}" in out for name in "abc")
    assert err.count("a was loaded") == 1 and "contested" not in err


def test_a_broken_plugin_that_is_configured_is_named(told, home, monkeypatch):
    write(home.parent / "here/bad.py", "import nothing_like_this\n")
    monkeypatch.setenv("DFERBENCH_PLUGINS", "bad.py")
    code, _, err = told("leaderboard")
    assert code == 3 and "plugin bad.py, line 1" in err and len(err.strip().splitlines()) == 2
    assert told("config")[0] == 0, "who wants to see where it comes from can"


class TestTrust:
    """A folder that was downloaded executes nothing until the user has allowed it."""

    @pytest.fixture
    def here(self, home):
        here = home.parent / "here"
        write(here / "mine.py", TINY.format(name="mine", mark="mine"))
        write(here / "dferbench.toml", 'plugins = ["mine.py"]\ndevice = "cpu"\n')
        return here

    def test_it_is_asked_for_once(self, told, here):
        code, out, err = told("list", "trackers")
        assert code == 0 and "mine " not in out and "was loaded" not in err
        assert len(err.strip().splitlines()) == 2 and "dferbench config --trust" in err
        assert held(told)["device"] == ("cpu", "dferbench.toml"), "what is no code holds"
        assert "not loaded" in told("config")[1]
        assert told("config", "--trust")[0] == 0
        code, out, err = told("list", "trackers")
        assert code == 0 and "mine " in out and "config --trust" not in err
        assert json.loads(told("config", "--json")[1])["trusted"] is True
        assert told("config", "--no-trust")[0] == 0
        assert "was loaded" not in told("list")[2]

    def test_other_plugins_or_another_place_are_asked_for_again(self, told, here, monkeypatch):
        assert told("config", "--trust")[0] == 0
        write(here / "more.py", TINY.format(name="more", mark="more"))
        write(here / "dferbench.toml", 'plugins = ["mine.py", "more.py"]\n')
        err = told("list")[2]
        assert "was loaded" not in err and "more.py" in err and "not trusted" in err
        elsewhere = here.parent / "elsewhere"
        here.rename(elsewhere)
        monkeypatch.chdir(elsewhere)
        write(elsewhere / "dferbench.toml", 'plugins = ["mine.py"]\n')
        assert "was loaded" not in told("list")[2]

    def test_the_folder_cannot_trust_itself(self, told, here, home):
        assert told("config", "--trust")[0] == 0
        kept = (home / "trusted.json").read_text()
        assert told("config", "--no-trust")[0] == 0
        write(here / "trusted.json", kept)
        assert "was loaded" not in told("list")[2]
        write(home / "trusted.json", "{")
        code, _, err = told("list")
        assert code == 3 and "trusted.json" in err

    def test_there_may_be_nothing_to_trust(self, told, here):
        write(here / "dferbench.toml", "")
        assert told("config", "--trust")[0] == 3


def test_configured_weights_count_for_the_methods_that_use_them_alone(home):
    file = write(home / "clip.safetensors", "weights")
    catalog = discover()
    remembered = {"clip-vit-b16": str(file)}

    def id_of(method, sets=None, **more):
        return settle(Request(method, "synthetic", sets or {}, **more), catalog)

    sets = {"backbone": "clip-vit-b16"}
    said = id_of("linear-probe", sets, weights=remembered)
    assert id_of("linear-probe", sets, remembered=remembered).config_id == said.config_id
    assert said.weights == remembered and said.config_id != id_of("linear-probe", sets).config_id
    for method in ("linear-probe", "r3d18"):  # on synthetic its backbone is another one, or it has none
        assert id_of(method, remembered=remembered).config_id == id_of(method).config_id
    own = id_of("linear-probe", sets, remembered=remembered, weights={"clip-vit-b16": "random"})
    assert own.weights == {"clip-vit-b16": "random"}


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory):
    """The folder of a run with options, settings of the recipe, a fold and a seed, and its record."""
    place = tmp_path_factory.mktemp("trained")
    words = [
        "--plugin",
        TOY,
        "run",
        "-m",
        "toy-net",
        "-d",
        "toy",
        "--root",
        toy_root,
        "-o",
        place,
        "-q",
        "-j",
        0,
    ]
    more = ["--set", "width=2", "--set", "stage.batch=9", "--epochs", 1, "-f", 2, "-s", 5, "--device", "cpu"]
    assert _run([str(word) for word in [*words, *more, "--limit", 9]]) == 0
    (path,) = records.find(place)
    return path.parent, records.read(path)


def repeat(told, toy_root, *words):
    """The record of a run that such words ask for."""
    code, out, err = told(
        "--plugin", TOY, "run", *words, "--root", toy_root, "-j", 0, "--device", "cpu", "--json"
    )
    assert code == 0, err
    return json.loads(out)["records"][0]


def test_like_a_record_is_the_same_run(told, toy_root, trained):
    folder, one = trained
    output = folder.parents[2]
    again = repeat(told, toy_root, "--like", folder / "record.json", "-o", output)
    assert (again["config_id"], again["fold"], again["seed"]) == (one.config_id, 2, 5)
    assert again["curve_sha256"] == one.curve_sha256, "it was found, not trained again"


@pytest.mark.parametrize("form", ["--like={}", "--like"])
def test_the_command_line_changes_single_values_of_it(trained, form):
    from dferbench.cli.repeated import _taken

    folder, _ = trained
    words = [form.format(folder)] if "=" in form else [form, str(folder)]
    assert _taken([*words, "-s", "7"]) == ([("--like", str(folder))], ["-s", "7"])
    said = list(like(folder))
    pairs = list(zip(said[::2], said[1::2], strict=True))
    assert (
        ("--set", "width=2") in pairs and ("--set", "stage.epochs=1") in pairs and ("--limit", "9") in pairs
    )


def test_a_changed_value_makes_another_run(told, toy_root, trained):
    folder, one = trained
    words = ["--like", folder, "-o", "again", "--epochs", 0, "--set", "width=3", "-s", 6]
    other = repeat(told, toy_root, *words)
    assert other["options"] == {"width": 3} and other["seed"] == 6 and other["fold"] == one.fold
    assert other["given"] == {"width": "3", "stage.batch": "9", "stage.epochs": "0"} and other["limit"] == 9


def test_a_record_of_no_training_is_not_repeated(told, home):
    from test_tables import make

    tested = make("a", 5, checkpoint={"file": "x"})
    records.write(tested, home / "tested")
    code, _, err = told("run", "--like", home / "tested")
    assert code == 3 and "a test of a checkpoint" in err
    assert told("run", "--like", home / "nowhere")[0] in (3, 4)


RUN = """method = "toy-net"
dataset = "toy"
fold = [2]
seed = 5
epochs = 1
limit = 9

[settings]
width = 2
stage.batch = 9
"""


def test_a_file_of_options_is_the_same_run_and_the_command_line_wins(told, toy_root, trained, home):
    folder, one = trained
    file = write(home / "run.toml", RUN)
    again = repeat(told, toy_root, "--config", file, "-o", folder.parents[2])
    assert again["config_id"] == one.config_id and again["seed"] == 5
    other = repeat(told, toy_root, f"--config={file}", "-o", "again", "--set", "stage.epochs=0", "-s", 1)
    assert other["given"]["stage.epochs"] == "0" and other["given"]["width"] == "2" and other["seed"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('method = "toy-net"\nepoch = 3\n', ["run.toml, line 2", "'epoch'", "Did you mean: epochs"]),
        ('method = ["a", "b"]\nskip-bad = 3\n', ["line 2: skip-bad cannot be 3"]),
        ("seed = {a = 1}\n", ["line 1: seed cannot be {'a': 1}"]),
        ("seed = \n", ["cannot read", "run.toml"]),
        ('like = "x"\n', ["no run option named 'like'"]),
    ],
)
def test_what_is_wrong_in_it_is_told_with_its_line(told, home, text, words):
    code, _, err = told("run", "--config", write(home / "run.toml", text))
    assert code == 3 and all(word in err for word in words), err
    assert len(err.strip().splitlines()) == 2


def test_a_list_stays_light_with_files_and_plugins(home):
    write(home / "config.toml", 'plugins = ["c.py"]\njobs = 2\n')
    write(home / "c.py", TINY.format(name="tracker-c", mark="c"))
    heavy = {"torch", "numpy", "tomlkit", "jinja2"}
    code = (
        "import sys\nfrom dferbench.cli import _run\n"
        "assert _run(['list', 'trackers']) == 0\n"
        f"assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "tracker-c" in done.stdout, done.stderr


def test_where_a_key_stands():
    text = '# roots\n"roots".mafw = "x" # jobs = 3\n[weights]\njobs = "y"\n'
    assert configuration.line_of(text, "roots") == 2 and configuration.line_of(text, "weights") == 3
    with pytest.raises(ConfigError):
        configuration.read_config(_folder_instead_of_a_file())


def _folder_instead_of_a_file():
    from pathlib import Path

    return Path(__file__).parent
