"""The check of a GPU runs to its end without one, at reduced size."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

CHECK = ROOT / "benchmarks" / "gpu" / "check.py"


@pytest.mark.long
def test_every_row_is_there_and_none_failed(tmp_path):
    out = tmp_path / "check.json"
    done = subprocess.run(
        [sys.executable, CHECK, "--small", "--out", out], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = json.loads(out.read_text())
    rows = {row["what"]: row for row in found["rows"]}
    assert found["small"] and not any(row["failed"] for row in rows.values())
    ways = ("fp32", "tf32", "bf16", "bf16 fused, channels last", "bf16 compiled")
    assert rows.keys() == {
        "tests marked gpu", "main job, run 1", "main job, run 2", "two runs, same bits",
        "main job, two processes",
        *(f"step, {way}" for way in ways), "testing, fp32", "testing, bf16",
        "state, copied to the host", "reading alone", "reading and training, bf16",
    }  # fmt: skip
    assert all(row["value"] > 0 for row in rows.values())
    assert all(what in done.stdout for what in rows)
