"""Which kind of file system a folder lies on."""

from __future__ import annotations

from pathlib import Path

TABLE = Path("/proc/self/mountinfo")
SHARED = {"9p", "afs", "beegfs", "ceph", "cifs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}
"""File systems of several machines: locks and maps into memory may count on one machine only."""


def filesystem(path: Path) -> str:
    """The type of the file system that holds the path, such as "ext4" or "nfs4"; "" where none is told."""
    try:
        lines = TABLE.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    whole, best, kind = path.absolute().resolve(), Path(), ""
    for line in lines:
        # "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": proc(5)
        before, _, after = line.partition(" - ")
        point = Path(before.split(" ")[4].replace("\\040", " "))
        if whole.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, after.split(" ")[0]
    return kind
