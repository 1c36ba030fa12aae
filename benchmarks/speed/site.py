"""What a site of many records costs: CPU time to make it, and the time until a browser shows its first page.

    python benchmarks/speed/site.py [--size 1000] [--epochs 50] [--browser /usr/bin/chromium]

The records are those of benchmarks/speed/study.py, 50 runs a configuration, with predictions that give their
confusion matrices. The browser is asked through playwright; without it only the CPU time is printed.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import numpy as np
from study import build, least

from dferbench.experiment import record
from dferbench.experiment.record import Record

QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip


def main() -> None:
    """Make the records and the site, and print what that took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--browser", type=Path, default=Path("/usr/bin/chromium"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build(folder, options.size, options.epochs)
        for path in record.find(folder / "now"):
            predict(record.read(path), path.parent)
        words = ["-m", "dferbench", "--plugin", str(folder / "made.py"), "site", str(folder / "now")]
        cost = least([*words, "-o", str(folder / "site")], 1)
        size = sum(path.stat().st_size for path in (folder / "site").rglob("*.*")) / 1e6
        print(f"{options.size} records, site: {cost.text()}, {size:.0f} MB of files", flush=True)
        if options.browser.exists():
            print(f"first page in a browser: {seconds_to_show(folder / 'site', options.browser):.2f} s")


def predict(one: Record, folder: Path) -> None:
    """Write predictions that give the record's confusion matrix."""
    counts = np.array(one.confusion)
    label, said = (np.repeat(side.ravel(), counts.ravel()) for side in np.indices(counts.shape))
    rng = np.random.default_rng(one.seed)
    logits = (rng.normal(size=(len(label), len(counts))) + 6 * np.eye(len(counts))[said]).astype(np.float32)
    logits[np.arange(len(label)), said] = logits.max(1) + 0.1
    buffer = io.BytesIO()
    np.savez(buffer, id=np.array([f"{one.fold}/{i}" for i in range(len(label))]), label=label, logits=logits)
    (folder / record.PREDICTIONS).write_bytes(buffer.getvalue())


def seconds_to_show(site: Path, browser: Path) -> float:
    """From asking for the first page to its load event, in a browser that is open already."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(browser), args=list(QUIET))
        page = chromium.new_page()
        page.goto("about:blank")
        began = time.perf_counter()
        page.goto((site / "index.html").as_uri(), wait_until="load")
        seconds = time.perf_counter() - began
        chromium.close()
    return seconds


if __name__ == "__main__":
    main()
