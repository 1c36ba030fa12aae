"""`dferbench data faces`: raw videos to folders of face crops, the form in which methods read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import exit_codes
from dferbench.cli.arguments import FINDERS, Align, Choose, Every, Least, Margin, MostFar, MostJumps
from dferbench.errors import DataError

if TYPE_CHECKING:
    from dferbench.face_crops.report import Report

SHOWN = 20
"""How many videos of a kind are printed; the report has all of them."""


def faces(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder of video files or of folders with frame images.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Output folder for the crops; an interrupted job continues there."
        ),
    ],
    finder: Annotated[str, typer.Option(help=f"{FINDERS}.")] = "haar",
    size: Annotated[int, typer.Option(min=1, max=4096, help="Side length of the crops in pixels.")] = 224,
    margin: Margin = 0.3,
    every: Every = 5,
    least: Least = 0.5,
    align: Align = False,
    choose: Choose = "largest",
    most_jumps: MostJumps = 0.5,
    most_far: MostFar = 0.5,
    timeout: Annotated[float, typer.Option(min=0.1, help="Time limit per video, in seconds.")] = 60.0,
    workers: Annotated[
        int, typer.Option("--workers", "-j", min=1, help="Number of processes that read videos.")
    ] = 2,
    quality: Annotated[int, typer.Option(min=1, max=100, help="JPEG quality.")] = 95,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Cut the face out of every frame of every video, with one size of crop throughout a video.

    Videos are read in separate processes: one that hangs, crashes or shows no face is reported, and the
    others continue. One whose crops jump, or lie far from any detection, is called doubtful. The same command
    continues an interrupted job; faces.json lists every video's outcome.
    """
    from dferbench.face_crops.run import CropRequest, crop_all
    from dferbench.face_crops.track import Following
    from dferbench.interface.progress import make_progress

    how = Following(every, least, margin, align, choose, most_jumps, most_far)
    request = CropRequest(source, output, finder, how, size, quality, timeout, workers)
    report, before = crop_all(request, context.obj, make_progress(quiet))
    if json_:
        typer.echo(report.model_dump_json(by_alias=True))
    else:
        typer.echo(_summary(report, before, output))
    failed = {name: entry.reason for name, entry in report.videos.items() if entry.status == "failed"}
    if len(failed) == len(report.videos):
        name, reason = min(failed.items())
        raise DataError(
            f"no face could be cropped from any of {len(failed)} videos, the first is {name}: {reason}",
            "If there are faces, try another --finder, a smaller --least or a larger --most-jumps.",
        )
    return exit_codes.SOME_FAILED if failed else exit_codes.DONE


def _summary(report: Report, before: int, output: Path) -> str:
    from dferbench.data.left_out import counted

    failed = {name: entry.reason for name, entry in report.videos.items() if entry.status == "failed"}
    doubtful = {name: entry.doubt for name, entry in report.videos.items() if entry.doubt}
    done = len(report.videos) - len(failed)
    frames = sum(entry.frames for entry in report.videos.values())
    lines = [*_named("failed", failed, output), *_named("doubtful", doubtful, output)]
    if report.left_out:
        endings = counted(report.left_out)
        lines.append(f"left out: {len(report.left_out)} files that are not videos ({endings})")
    earlier = f" ({before} of them before)" if before else ""
    lines.append(f"{output}: {done} of {len(report.videos)} videos cropped{earlier}, {frames} frames")
    return "\n".join(lines)


def _named(what: str, videos: dict[str, str], output: Path) -> list[str]:
    """A line for each of the first videos with what is said of it, and the number of the others."""
    lines = [f"{what}: {name}: {said}" for name, said in sorted(videos.items())[:SHOWN]]
    if len(videos) > SHOWN:
        lines.append(f"... and {len(videos) - SHOWN} more; {output / 'faces.json'} names them all")
    return lines
