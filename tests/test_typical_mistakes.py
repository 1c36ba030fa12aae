"""What users get wrong, a command a row: each ends in two clear lines and the right exit code."""

import re
import shlex

import desk as furniture
import pytest
from conftest import TOY
from test_hints import options_of

pytestmark = pytest.mark.slow

RUN = "run -m toy-net -d toy --root toy -j 0 -q"
LOSS = "--plugin loss.py run -d toy --root toy -j 0 -q -o other -m"
HALVES = "folder(path=videos, folds=2)"
"""What folder-2 stands for."""
CHECKPOINT = "net/checkpoint.safetensors"

MISTAKES = [
    # names
    ("rnu -m toy-net -d toy", 2, "No such command 'rnu'"),
    ("run -m toy-nte -d toy", 3, "there is no method named 'toy-nte'"),
    ("run -m dferclip -d toy", 3, "there is no method named 'dferclip'"),
    ("run -m toy-net -d tyo", 3, "there is no dataset named 'tyo'"),
    ("run -m toy -d toy-net", 3, "there is no method named 'toy'"),
    ("run -m toy-net", 2, "--dataset"),
    ("run -d toy", 2, "--model"),
    ("run toy-net toy", 2, ""),
    ("run -m toy-net -d toy extra", 2, "extra"),
    ("run -m toy-net -d toy --colour red", 2, "--colour"),
    ("run -m toy-net -d toy -e 3", 2, "-e"),
    ("run -m 'toy-net(width=2)' -d toy", 3, "toy-net(width=2)"),
    ("run -m '' -d toy", 3, "''"),
    ("run -m toy-net -d 'toy(size=8)'", 3, "'size'"),
    ("run -m toy-net -d 'toy('", 3, "toy("),
    ("run -m toy-net -d synthetic(videos=many)", 3, "videos"),
    ("run -m toy-net -d 'synthetic(classes=99)'", 3, "classes"),
    ("show toy-nte", 3, "'toy-nte'"),
    ("check toy-nte", 3, "'toy-nte'"),
    ("profile toy-nte", 3, "'toy-nte'"),
    ("list method.s", 3, "'method.s'"),
    ("data sheet tyo", 3, "'tyo'"),
    ("data verify tyo", 3, "'tyo'"),
    ("data info tyo", 3, "'tyo'"),
    ("data link tyo empty", 3, "'tyo'"),
    ("data", 2, ""),
    # options of a method and its recipe
    (f"{RUN} --set widht=3", 3, "'widht'"),
    (f"{RUN} --set width", 3, "name=value"),
    (f"{RUN} --set width=four", 3, "width of toy-net must be a whole number, got four"),
    (f"{RUN} --set width=0", 3, "width"),
    (f"{RUN} --set stage.bach=4", 3, "'bach'"),
    (f"{RUN} --set stage.second.batch=4", 3, "'second'"),
    (f"{RUN} --set batch=4", 3, "'batch'"),
    (f"{RUN} --set input.frame=4", 3, "'frame'"),
    (f"{RUN} --set stage.optimizer=adamm", 3, "'adamm'"),
    (f"{RUN} --set 'stage.optimizer=adam(lr=0.1)'", 3, "'lr'"),
    (f"{RUN} --set stage.schedule=cosin", 3, "'cosin'"),
    (f"{RUN} --set input.sample=segment", 3, "'segment'"),
    (f"{RUN} --set input.augment=flipp", 3, "'flipp'"),
    (f"{RUN} --set input.normalize=imagnet", 3, "'imagnet'"),
    (f"{RUN} --set input.resize=nearest", 3, "nearest"),
    (f"{RUN} --set stage.train=0.01", 3, "train"),
    (f"{RUN} --set \"stage.train={{'haed.*': 0.1}}\"", 3, "haed"),
    (f"{RUN} --precision fp8", 3, "'fp8'"),
    (f"{RUN} --device gpu", 3, "'gpu'"),
    (f"{RUN} --device cuda:99", 3, "cuda:99"),
    (f"{RUN} --decoder opencv", 3, "'opencv'"),
    (f"{RUN} --tracker tensorbord", 3, "'tensorbord'"),
    (f"{RUN} --changed maybe", 3, "'maybe'"),
    (f"{RUN} --metrics acuracy,uar", 3, "acuracy"),
    (f"{RUN} --by f-one", 3, "f-one"),
    # values
    (f"{RUN} --epochs -2", 2, "--epochs"),
    (f"{RUN} --epochs many", 2, "--epochs"),
    (f"{RUN} --set stage.epochs=-2", 3, "epochs must be a whole number"),
    (f"{RUN} --set stage.batch=0", 3, "batch must be a whole number"),
    (f"{RUN} --set stage.batch=6.5", 3, "batch"),
    (f"{RUN} --set stage.batch=19 --set stage.drop_last=true", 3, "no batch of 19 can be filled"),
    (f"{RUN} --set \"stage.train={{'.*': -0.1}}\"", 3, "learning rate"),
    (f"{RUN} --set \"stage.train={{'.*': nan}}\"", 3, "nan"),
    (f"{RUN} --set 'stage.optimizer=sgd(momentum=-1)'", 3, "momentum"),
    (f"{RUN} --set 'stage.optimizer=sgd(momentum=nan)'", 3, "momentum"),
    (f"{RUN} --set 'stage.optimizer=adam(beta1=1.5)'", 3, "beta1"),
    (f"{RUN} --set stage.clip_grad=nan", 3, "clip_grad"),
    (f"{RUN} --set stage.clip_grad=-1", 3, "clip_grad"),
    (f"{RUN} --set stage.weight_decay=-1", 3, "weight_decay"),
    (f"{RUN} --set 'stage.schedule=steps(1, gamma=nan)'", 3, "gamma"),
    (f"{RUN} --set 'stage.schedule=every(0)'", 3, "every"),
    (f"{RUN} --set input.frames=0", 3, "input.frames"),
    (f"{RUN} --set input.frames=100000", 3, "input.frames"),
    (f"{RUN} --set input.size=1", 3, "input.size"),
    (f"{RUN} --set input.size=-8", 3, "input.size"),
    (f"{RUN} --set input.size=large", 3, "input.size"),
    (f"{RUN} --seed one", 3, "--seed"),
    (f"{RUN} --seed -1", 3, "--seed"),
    (f"{RUN} --fold 7", 3, "'7'"),
    (f"{RUN} --fold first", 3, "--fold"),
    (f"{RUN} --limit 0", 2, "--limit"),
    (f"{RUN} --workers -1", 2, "--workers"),
    (f"{RUN} --precision fp16 --device cpu", 3, "fp16"),
    # weights and texts
    (f"{RUN} --weights clip-vit-b32=random", 3, "nothing uses --weights clip-vit-b32"),
    (f"{RUN} --weights vit.pt", 3, "name=value"),
    ("run -m dfer-clip -d synthetic --weights clip-tiny=nowhere.pt", 4, "nowhere.pt"),
    ("run -m dfer-clip -d synthetic --weights clip=random", 3, "nothing uses --weights clip"),
    ("run -m dfer-clip -d synthetic --set backbone=resnet18", 3, ""),
    ("run -m dfer-clip -d synthetic --set text=nowhere.toml", 3, "nowhere.toml"),
    (
        "run -m dfer-clip -d folder-2 --set backbone=clip-tiny --set text=texts.toml",
        3,
        "'happiness'",
    ),
    # data
    ("run -m toy-net -d toy", 4, "the root folder of toy is not known"),
    ("run -m toy-net -d toy --root nowhere", 4, "nowhere"),
    ("run -m toy-net -d toy --root empty", 4, "empty"),
    ("run -m toy-net -d toy --root notes.txt", 4, "notes.txt"),
    ("run -m toy-net -d dfew", 4, "dfew"),
    ("run -m toy-net -d folder:nowhere", 4, "nowhere"),
    ("run -m toy-net -d folder:empty", 4, "empty"),
    ("run -m toy-net -d folder:flat", 4, "flat"),
    ("run -m toy-net -d folder:one-class", 4, "1 video cannot make 5 folds"),
    ("run -m toy-net -d folder:videos", 4, "4 videos cannot make 5 folds"),
    ("run -m toy-net -d 'folder(csv=nolabel.csv)'", 4, "label"),
    ("run -m toy-net -d 'folder(csv=novideo.csv)'", 4, "video"),
    ("run -m toy-net -d 'folder(csv=short.csv, folds=2)'", 4, "short.csv"),
    ("run -m toy-net -d 'folder(csv=empty.csv)'", 4, "empty.csv"),
    ("run -m toy-net -d 'folder(csv=nowhere.csv)'", 4, "nowhere.csv"),
    ("run -m toy-net -d 'folder(csv=missing.csv, folds=2)' -q", 4, "videos/happy/9"),
    ("run -m toy-net -d 'list(train=train.txt)'", 3, "test"),
    ("run -m toy-net -d \"list(train=train.txt, test=test.txt, classes='happy,sad')\"", 4, "test.txt"),
    ("run -m toy-net -d \"list(train=train.txt, test=gone.txt, classes='happy,sad')\"", 4, "videos/happy/7"),
    ("run -m toy-net -d 'list:nowhere'", 4, "nowhere"),
    ("run -m toy-net -d folder:spoiled -j 0 -q -o other", 4, "1.png"),
    (f"{RUN} -o notes.txt/runs", 1, "notes.txt"),
    (f"{RUN} -o notes.txt", 1, "notes.txt"),
    ("data verify folder:empty", 4, "empty"),
    ("data sheet toy --root toy --fold 9", 3, "'9'"),
    ("data sheet toy --root toy -o notes.txt/sheet.png", 1, "notes.txt"),
    ("data pack toy -o pack", 4, "root"),
    ("data pack toy --root toy -o notes.txt", 3, "notes.txt"),
    ("data faces nowhere -o out", 4, "nowhere"),
    ("data faces notes.txt -o out2 -j 1 -q", 4, "notes.txt"),
    ("data faces videos -o videos", 3, "videos"),
    ("data faces videos -o out3 --finder har", 3, "'har'"),
    ("data make toy --root new", 3, "toy"),
    ("data make dfew --root toy", 3, "toy"),
    ("data make dfew --root new --scale 7", 3, "scale"),
    ("data make dfew --root new --layout wide", 3, "wide"),
    ("data link toy nowhere", 4, "nowhere"),
    ("data link toy", 2, "either a folder or --remove"),
    ("data link mafw --remove", 3, "mafw"),
    # runs, records and tables
    ("leaderboard nowhere", 3, "there is no folder nowhere"),
    ("leaderboard empty", 3, "no finished run"),
    ("leaderboard runs --by sharpness", 3, "sharpness"),
    ("leaderboard runs --select best", 3, "'best'"),
    ("leaderboard runs -d dfew", 3, "dfew"),
    ("leaderboard runs -m dfer-clip", 3, "dfer-clip"),
    ("compare net", 2, ""),
    ("compare net nowhere", 3, "nowhere"),
    ("compare net empty", 3, "empty"),
    ("compare net notes.txt", 3, "notes.txt"),
    ("compare net fold2", 3, "one is of fold 1, the other of fold 2"),
    ("compare net cut", 3, "cut/record.json"),
    ("compare net running", 3, "running"),
    ("watch notes.txt --once", 3, "notes.txt is a file"),
    ("table nowhere.toml", 3, "nowhere.toml"),
    ("table broken.toml", 3, "broken.toml"),
    ("table rowless.toml", 3, "rows"),
    ("table key.toml", 3, "optoins"),
    ("table top.toml", 3, "sorce"),
    ("table rule.toml", 3, "'bset-on-test'"),
    ("table lost.toml", 3, "nowhere.toml"),
    ("table good.toml --format word", 3, "word"),
    ("bench good.toml", 2, "--dataset"),
    ("bench nowhere.toml -d toy", 3, "nowhere.toml"),
    ("bench good.toml -d toy --root toy --rows 9", 3, "9"),
    ("bench width.toml -d toy --root toy -q", 3, "'widht'"),
    ("bench value.toml -d toy --root toy -q", 3, "width"),
    ("bench stage.toml -d toy --root toy -q", 3, "batch"),
    ("bench good.toml -d toy --root toy --launcher slrm -q", 3, "'slrm'"),
    # checkpoints and predictions
    ("predict talk.mp4", 2, "--checkpoint"),
    (f"predict nowhere.mp4 -q -c {CHECKPOINT}", 4, "nowhere.mp4"),
    ("predict talk.mp4 -c nowhere.safetensors", 4, "nowhere.safetensors"),
    ("predict talk.mp4 -c talk.mp4", 4, "talk.mp4"),
    ("predict talk.mp4 -c clip.pth", 4, "clip.pth"),
    (f"predict empty -q -c {CHECKPOINT}", 4, "empty"),
    (f"predict notes.txt -q -c {CHECKPOINT}", 4, "notes.txt"),
    (f"predict damaged.mp4 -q -c {CHECKPOINT}", 4, "damaged.mp4"),
    (f"predict talk.mp4 -c {CHECKPOINT} -o said.xml", 3, "said.xml"),
    (f"predict talk.mp4 -c {CHECKPOINT} --window 4 --plot said.txt", 3, "said.txt"),
    (f"predict talk.mp4 -c {CHECKPOINT} --stride 4", 3, "--stride"),
    (f"predict talk.mp4 -c {CHECKPOINT} --finder har", 3, "'har'"),
    (f"predict talk.mp4 -c {CHECKPOINT} -m toy-frozen", 3, "toy-frozen"),
    (f"evaluate -c {CHECKPOINT} -d folder-2", 3, "'happiness'"),
    ("evaluate -c nowhere.pth -d toy --root toy", 4, "nowhere.pth"),
    ("evaluate -c clip.pth -d toy --root toy -m toy-net", 3, "toy-net cannot import checkpoints"),
    (f"evaluate -c {CHECKPOINT} -d toy --root toy --fold 9", 3, "trained on fold 1"),
    (f"evaluate -c {CHECKPOINT} -d toy --root toy --set width=8", 3, "width"),
    ("import clip.pth", 2, "--model"),
    ("import nowhere.pth -m toy-net", 4, "nowhere.pth"),
    ("import clip.pth -m dfer-clip", 4, "clip.pth"),
    ("import clip.pth -m dfer-clip --classes 'happy'", 4, "clip.pth"),
    ("profile toy-net --classes 1", 2, "--classes"),
    ("doctor -m toy-net", 3, "dataset"),
    # plugins under work
    ("--plugin", 2, "--plugin"),
    (f"{LOSS} tensor", 3, "loss"),
    (f"{LOSS} nothing", 3, "loss"),
    (f"{LOSS} vector", 3, "loss"),
    (f"{LOSS} number", 3, "loss"),
    (f"{LOSS} detached", 3, "loss"),
    (f"{LOSS} wide", 3, "(1, 5)"),
    (f"{LOSS} flat", 3, "logits"),
    (f"{LOSS} two", 3, "logits"),
    (f"{LOSS} three", 3, "built something of type int"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory, toy_root):
    from dferbench.cli import _run

    place = tmp_path_factory.mktemp("desk")
    furniture.furnish(place, toy_root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)

        def run(*words):
            assert _run([str(word) for word in words]) == 0

        furniture.leave_runs(place, run)
    return place


BY_PROCESS = ["run -m toy-nte -d toy", f"{RUN} --set stage.batch=0", "predict empty -q -c " + CHECKPOINT]


@pytest.mark.parametrize("line", BY_PROCESS)
def test_a_process_of_its_own_says_the_same(desk, cli, line):
    (code,) = [code for one, code, _ in MISTAKES if one == line]
    done = cli("--plugin", TOY, *shlex.split(line), cwd=desk, check=code)
    assert [said.partition(": ")[0] for said in done.stderr.splitlines()] == ["error", "hint"]


def named(hint, command):
    """The options that a hint names and that neither the command nor one named in front of them has."""
    for other, option in re.findall(r"dferbench ((?:data )?\w+) (--[a-z-]+)", hint):
        if option not in options_of(other):
            yield option
        hint = hint.replace(f"{other} {option}", "")
    yield from set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", hint)) - options_of(command)


def command_of(words):
    """The command in a command line, with its group."""
    words = [word for word in words if not word.endswith(".py") and word != "--plugin"]
    return " ".join(words[: 2 if words[0] == "data" else 1])


@pytest.mark.parametrize(("line", "code", "said"), MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_a_mistake_ends_in_two_lines(desk, monkeypatch, capfd, line, code, said):
    from dferbench.cli import _run

    words = [HALVES if word == "folder-2" else word for word in shlex.split(line)]
    monkeypatch.chdir(desk)
    capfd.readouterr()
    ended = _run(["--plugin", str(TOY), *words])
    shown = capfd.readouterr().err
    told = shown.splitlines()
    assert (ended, len(told)) == (code, 2), shown
    error, hint = told
    assert re.match(r"error: \S", error) and said in error, shown
    assert re.match(r"hint: \S.{8,}", hint), shown
    assert "bug" not in shown and "Run it again" not in hint and "Traceback" not in shown
    assert not re.search(r"\b\w+Error\b", error), shown
    assert code == 2 or not set(named(hint, command_of(words))), hint
