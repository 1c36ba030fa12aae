"""Damaged inputs and what reading them does: the half of the fuzz test that runs in a worker.

Every case is made from its kind and number alone, so a case that fails can be run again by itself.
"""

import io
import os
import random
import sys
import sysconfig
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import media
import numpy as np
from PIL import Image

from dferbench.errors import DferbenchError

PYTHON = tuple({sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).parents[1])})
SYSTEM = ("/proc/", "/sys/", "/dev/", "/usr/lib", "/lib", "/etc/ld.so", "/usr/share", "/etc/mime.types")
ALLOWED = (*PYTHON, *SYSTEM)
"""What Python and its libraries may open at any time."""
_watching: list[str] | None = None
_hooked = False


@dataclass(frozen=True)
class Case:
    """A kind of damage, a number, and the folder of all cases."""

    kind: str
    number: int
    folder: str

    @property
    def home(self):
        return Path(self.folder, f"{self.kind}-{self.number}")


@dataclass
class Outcome:
    """What came of a case: the error's type, message and hint, or what could not be decoded; what was opened
    outside, and paths of videos outside the root."""

    error: tuple[str, str, str] | None = None
    failures: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    videos: int = 0


def _hook(event, arguments):
    if _watching is not None and event in ("open", "os.listdir", "os.scandir"):
        path = arguments[0]
        if isinstance(path, str | bytes | os.PathLike):
            _watching.append(os.path.realpath(os.fsdecode(path)))


@contextmanager
def watched(*inside):
    """Collect what is opened outside of these folders."""
    global _watching, _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    opened = _watching = []
    outside = []
    try:
        yield outside
    finally:
        _watching = None
        places = tuple(os.path.realpath(folder) for folder in inside)
        outside += [path for path in opened if not path.startswith((*places, *ALLOWED))]


def attempt(case):
    """Make the case's input, read it as a user's command would, and say what came of it."""
    outcome = Outcome()
    make, places = KINDS[case.kind]
    random_ = random.Random(f"{case.kind} {case.number}")
    with make(case, random_) as read, watched(*places(case)) as outside:
        try:
            read(outcome)
        except DferbenchError as error:
            outcome.error = (type(error).__name__, error.message, error.hint)
    outcome.outside += outside
    return outcome


# --- reading ---------------------------------------------------------------------------------------------


def look(dataset, root, outcome, decode=False):
    """Everything that a run or a check asks of a dataset."""
    from dferbench.progress import Progress

    for fold in dataset.folds[:2]:
        for split in ("train", "test"):
            videos = dataset.videos(root, fold, split)
            outcome.videos += len(videos)
            real = os.path.realpath(root)
            outcome.outside += [v.path for v in videos if not os.path.realpath(v.path).startswith(real)]
            if decode:
                load(videos, outcome)
    dict(dataset.notes(root))
    list(dataset.findings(root))
    if not decode:
        dataset.prepare(root, Progress())


def load(videos, outcome):
    from inputs import make_loader

    from dferbench.types import Input

    loader = make_loader(videos, Input(frames=4, size=16), 16, training=False, seed=0)
    for batch in loader.batches(range(len(videos)), 4):
        assert batch.frames.shape[0] == len(batch.index)
        for failure in batch.failures:
            assert failure.error.path == videos[failure.index].path and failure.error.reason
            outcome.failures.append(failure.error.message)


# --- damage ----------------------------------------------------------------------------------------------


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def flip(data, rng):
    changed = bytearray(data)
    for _ in range(rng.randint(1, 12)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def splice(data, rng):
    at, junk = rng.randrange(len(data)), rng.randbytes(rng.randint(1, 400))
    return data[:at] + junk + data[at + rng.randint(0, 400) :]


def repeat(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + data[at : at + rng.randint(1, 200)] * rng.randint(2, 40) + data[at:]


def nul(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + b"\0" * rng.randint(1, 9) + data[at:]


def other_type(data, rng):
    kinds = (b"", b"\0" * 64, b"\x89PNG\r\n\x1a\n" + rng.randbytes(99), b"PK\x03\x04" + rng.randbytes(99))
    return rng.choice((*kinds, b"<svg/>", rng.randbytes(4096), b"#EXTM3U\n/etc/passwd\n", b"GIF89a"))


BYTES = (truncate, flip, splice, repeat, nul, other_type)


def encoded(text, rng):
    """The text in some encoding; what it cannot hold is lost, as with careless programs."""
    names = (
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "latin-1",
        "gbk",
        "cp037",
        "utf-7",
    )
    return text.encode(rng.choice(names), "replace")


LINES = [
    "../../etc/passwd{s}0", "v/../../outside/a.mp4{s}0", "..\\..\\outside\\a.mp4{s}0", "/etc/passwd{s}0",
    "{outside}/a.mp4{s}0", "C:\\outside\\a.mp4{s}0", "link/a.mp4{s}0", ".{s}0", "..{s}0", "{deep}/../x{s}0",
    "v/1{s}99", "v/9{s}-1", "v/9{s}1e9", "v/9{s}{nines}", "v/9{s}0x1", "v/9{s}²", "v/9{s}nan", "v/9{s}None",
    "v/1{s}0\nv/1{s}1", "v/9", "{s}0", "v/9{s}",
]  # fmt: skip
"""Lines that no list may hold. {s} separates fields."""
ODD_LINES = [
    "v/9{s}99999999999999999999{s}0", "v/9{s}-5{s}0", "v/9{s}1.5{s}0", "v/9{s}" + "9" * 5000 + "{s}0",
    "{blanks}", "{million}", '"v/9{s}0', "v/9{s}0{s}" * 50, "\x1b[2J{s}0", "v/\u202e4pm{s}0", "v/9{s}٣{s}0",
    "#v/9{s}0", "v/9 \u00a0 0", "v/" + "x" * 300 + "{s}0", "v\x00/9{s}0", "\ufeff\ufeffv/9{s}0",
    "frames.mdb::x{s}0", "file:///etc/passwd{s}0", "http://127.0.0.1:9/x.mp4{s}0", "v/ünï{s}0",
    "~root/x{s}0", "$HOME/x{s}0",
]  # fmt: skip
"""Lines that are strange; some can be read."""


def spelled(line, separator, folder):
    return line.replace("{s}", separator).format(
        outside=f"{folder}/outside", deep="a/" * 3000, nines="9" * 5000, blanks="v/9" + " " * 200_000 + "0",
        million=f"a{separator}" * 1_000_000,
    )  # fmt: skip


# --- kinds -----------------------------------------------------------------------------------------------


def write_lists(case, train, test=None):
    home = case.home
    home.mkdir(parents=True)
    (home / "link").symlink_to(Path(case.folder, "outside"))
    (home / "v").mkdir()
    (home / "set_1_train.txt").write_bytes(train)
    (home / "set_1_test.txt").write_bytes(test or "".join(f"w/{i} 9 {i % 7}\n" for i in range(9)).encode())
    (home / "w" / "1").mkdir(parents=True)


def good_lines(rng, separator, count=14):
    return [f"v/{i}{separator}{rng.randint(1, 99)}{separator}{i % 7}" for i in range(count)]


@contextmanager
def text_list(case, rng):
    """A good list, damaged as bytes or written in an odd encoding."""
    from dferbench_datasets.local.lists import Lists

    text = "\n".join(good_lines(rng, rng.choice(" \t,"))) + "\n"
    data = encoded(text.replace("v/3", "v/Ärger/笑"), rng) if case.number % 4 == 0 else text.encode()
    write_lists(case, rng.choice(BYTES)(data, rng))
    yield lambda outcome: look(Lists(str(case.home)), case.home, outcome)


@contextmanager
def bad_line(case, rng, lines=LINES):
    from dferbench_datasets.local.lists import Lists

    good = good_lines(rng, separator := " \t,"[case.number // len(lines) % 3])
    good.insert(rng.randint(1, len(good)), spelled(lines[case.number % len(lines)], separator, case.folder))
    write_lists(case, "\n".join(good).encode("utf-8", "surrogatepass"))
    yield lambda outcome: look(Lists(str(case.home)), case.home, outcome)


@contextmanager
def csv_table(case, rng):
    from dferbench_datasets.local.folder import Folder

    (case.home / "v" / "1").mkdir(parents=True)
    (case.home / "link").symlink_to(Path(case.folder, "outside"))
    lines = ["video,label,group", *(f"v/{i},{'ab'[i % 2]},p{i % 6}" for i in range(20))]
    strange = (*LINES, *ODD_LINES)
    if case.number % 2:
        lines.insert(rng.randint(1, 20), spelled(strange[case.number // 2 % len(strange)], ",", case.folder))
    data = "\n".join(lines).encode()
    (case.home / "t.csv").write_bytes(data if case.number % 2 else rng.choice(BYTES)(data, rng))
    yield lambda outcome: look(Folder(csv=str(case.home / "t.csv")), case.home, outcome)


def release(case):
    """A fresh dataset and the root of a drawn copy, which all cases share: what they change, they restore."""
    from dferbench.registry.catalog import discover
    from dferbench.registry.datasets import make_dataset

    name, layout = RELEASES[case.number % len(RELEASES)]
    root = Path(case.folder, f"{name}-{layout}")
    return make_dataset(name, discover()).dataset, root


RELEASES = [("dfew", "repository"), ("mafw", "faces"), ("ferv39k", "faces")]
TABLES = [("dfew", "original"), ("mafw", "labels-only")]


@contextmanager
def replaced(file, data):
    before = file.read_bytes()
    file.write_bytes(data)
    try:
        yield
    finally:
        file.write_bytes(before)


def official_lists(root):
    return sorted(p for p in root.rglob("*") if p.suffix in (".csv", ".txt") and "22_scenes" not in str(p))


@contextmanager
def release_list(case, rng):
    """A list of an official release with one line too many, or damaged as a whole."""
    dataset, root = release(case)
    file = rng.choice([p for p in official_lists(root) if "train" in str(p) and "MADE" not in p.name])
    data = file.read_bytes()
    if case.number % 2:
        strange = (*LINES, *ODD_LINES)
        line = spelled(
            strange[case.number // 2 % len(strange)], "," if file.suffix == ".csv" else " ", case.folder
        )
        lines = data.decode("gb18030").splitlines()
        lines.insert(rng.randint(1, len(lines)), line)
        changed = "\n".join(lines).encode("utf-8", "surrogatepass")
    else:
        changed = rng.choice(BYTES)(data, rng) if case.number % 8 else encoded(data.decode("gb18030"), rng)
    with replaced(file, changed):
        yield lambda outcome: look(dataset, root, outcome)


@contextmanager
def release_table(case, rng):
    """A damaged .xlsx, as an archive or within."""
    from dferbench.registry.catalog import discover
    from dferbench.registry.datasets import make_dataset

    name, layout = TABLES[case.number % len(TABLES)]
    dataset, root = make_dataset(name, discover()).dataset, Path(case.folder, f"{name}-{layout}")
    file = next(root.rglob("*.xlsx"))
    data = file.read_bytes()
    within = case.number % 3
    changed = rewritten(data, rng, case.number // 3) if within else rng.choice(BYTES)(data, rng)
    with replaced(file, changed):
        yield lambda outcome: look(dataset, root, outcome)


def rewritten(data, rng, number):
    """The archive with its sheet changed: bytes, its size, a cell at the far end, an entity bomb, a climb."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename.endswith("sheet1.xml"):
                content = SHEETS[number % len(SHEETS)](content, rng)
            if content is not None:
                new.writestr(member.filename, content)
        new.writestr("../../climbs.txt", b"x")
    return out.getvalue()


def far_cell(sheet, rng):
    return sheet.replace(
        b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )


def entity_bomb(sheet, rng):
    names = "abcdefghij"
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names))
    doctype = f'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa">{entities}]>'.encode()
    return doctype + sheet.replace(b"<v>1</v>", b"<v>&j;</v>", 1)


SHEETS = (
    truncate, flip, splice, far_cell, entity_bomb,
    lambda sheet, rng: None,
    lambda sheet, rng: sheet.replace(b"<v>1</v>", b"<v>1e308</v>"),
    lambda sheet, rng: sheet.replace(b"<v>1</v>", b"<v>" + b"9" * 5000 + b"</v>", 2),
    lambda sheet, rng: b" " * 80_000_000,
    lambda sheet, rng: sheet.replace(b"<v>2</v>", b"<v>-7</v>"),
)  # fmt: skip


@contextmanager
def frame_folder(case, rng):
    """Ten videos of frames, one of which has a damaged image or something else where an image should be."""
    from dferbench_datasets.local.folder import Folder

    for i in range(10):
        folder = case.home / "ab"[i % 2] / f"v{i}"
        folder.mkdir(parents=True)
        for name in ("1.jpg", "2.png", "10.jpg"):
            Image.new("RGB", (20, 16), (i * 20, 90, 90)).save(folder / name)
    IMAGES[case.number % len(IMAGES)](case.home / "a" / "v0", rng)
    yield lambda outcome: look(Folder(str(case.home)), case.home, outcome, decode=True)


def _damage(change, *names):
    def act(folder, rng):
        for name in names:
            path = folder / name
            path.write_bytes(change(path.read_bytes(), rng))

    return act


def huge(data, rng):
    """A PNG that claims to be 60,000 pixels wide and high."""
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return data[:8] + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


def _as_folder(folder, rng):
    (folder / "2.png").unlink()
    (folder / "2.png").mkdir()


def _dangling(folder, rng):
    (folder / "2.png").unlink()
    (folder / "2.png").symlink_to("nowhere.png")


def nothing(folder, rng):
    for path in folder.iterdir():
        path.unlink()


IMAGES = [
    *(_damage(change, "1.jpg", "2.png", "10.jpg") for change in BYTES),
    *(_damage(change, "10.jpg") for change in BYTES),
    _damage(huge, "2.png"), _as_folder, _dangling, nothing,
]  # fmt: skip


@contextmanager
def video_file(case, rng):
    """Two good videos and one that is damaged, in the containers that are about."""
    from dferbench_datasets.local.folder import Folder

    samples = sorted(Path(case.folder, "media").iterdir())
    sample = samples[case.number % len(samples)]
    for name in ("a/good.mp4", "b/good.mp4"):
        target = case.home / name
        target.parent.mkdir(parents=True)
        target.write_bytes(Path(case.folder, "outside", "a.mp4").read_bytes())
    damage = VIDEO[case.number // len(samples) % len(VIDEO)](sample.read_bytes(), rng)
    (case.home / "a" / f"bad{sample.suffix}").write_bytes(damage)
    yield lambda outcome: look(Folder(str(case.home), folds=2), case.home, outcome, decode=True)


def empty(data, rng):
    return b""


def half(data, rng):
    return data[: len(data) // 2]


def counts(data, rng):
    """Every plausible size or count near the front made absurd."""
    changed = bytearray(data)
    for _ in range(4):
        at = rng.randrange(4, min(len(changed), 3000) - 4)
        changed[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"))
    return bytes(changed)


VIDEO = [flip, half, splice, counts, empty, truncate, other_type]


PLAYLISTS = ("x.m3u8", "x.ffconcat", "x.mp4", "x.avi", "x.mpd", "x.sdp")


@contextmanager
def playlist(case, rng):
    """A list that names a file which, for FFmpeg, names another outside the root."""
    from dferbench_datasets.local.lists import Lists

    write_lists(case, "".join(f"{name} {i % 7}\n" for i, name in enumerate((*PLAYLISTS, "y"))).encode())
    target = os.path.relpath(Path(case.folder, "outside", "a.ts"), case.home) if case.number % 2 else (
        Path(case.folder, "outside", "a.ts"))  # fmt: skip
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"
    for name in PLAYLISTS:
        (case.home / name).write_text(f"ffconcat version 1.0\nfile '{target}'\n" if "concat" in name else hls)
    yield lambda outcome: look(Lists(str(case.home)), case.home, outcome, decode=True)


@contextmanager
def spy(case, rng):
    """Not a case of reading but of watching: this one does open a file outside."""
    yield lambda outcome: Path(case.folder, "outside", "a.mp4").read_bytes()


def _home(case):
    return (case.home,)


def _release_home(case):
    return (release(case)[1],)


def _table_home(case):
    name, layout = TABLES[case.number % len(TABLES)]
    return (Path(case.folder, f"{name}-{layout}"),)


KINDS = {
    "list": (text_list, _home),
    "bad-line": (bad_line, _home),
    "odd-line": (lambda case, rng: bad_line(case, rng, ODD_LINES), _home),
    "csv": (csv_table, _home),
    "release": (release_list, _release_home),
    "table": (release_table, _table_home),
    "frames": (frame_folder, _home),
    "video": (video_file, _home),
    "playlist": (playlist, _home),
    "spy": (spy, _home),
}


def prepare(folder):
    """What the cases share: drawn releases, sound videos, and what must never be read."""
    from dferbench.progress import Progress
    from dferbench.registry.catalog import discover
    from dferbench.registry.datasets import make_dataset

    def paint(label, seed, frames):
        return np.full((frames, 16, 16, 3), seed % 250, np.uint8)

    for name, layout in (*RELEASES, *TABLES):
        make_dataset(name, discover()).dataset.make(
            folder / f"{name}-{layout}", layout, 1e-4, paint, Progress()
        )
    (folder / "outside").mkdir()
    media.encode(folder / "outside" / "a.mp4", count=12)
    media.encode(folder / "outside" / "a.ts", count=12)
    (folder / "media").mkdir()
    for name in (
        "h264-b-frames.mp4",
        "mpeg4-b-frames.avi",
        "vp9.webm",
        "odd-size.mkv",
        "wmv2.wmv",
        "transport.ts",
    ):
        options = {**media.KINDS[name], "count": 20}
        media.encode(folder / "media" / name, **options)
