"""Options that several verbs take, declared once, so that they read alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.complete import dataset_names, method_names, suite_names
from dferbench.machine.cores import Number

DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset", "-d", help="Dataset: NAME or 'NAME(option=value)'.", autocompletion=dataset_names
    ),
]
SuiteName = Annotated[
    str,
    typer.Argument(
        metavar="SUITE",
        help="A suite: a name from `dferbench list suites`, such as table1, or a file.",
        autocompletion=suite_names,
    ),
]
Folds = Annotated[
    str | None, typer.Option("--fold", "-f", help="Folds to run: 1, 1,3 or all. Default: the first.")
]
Seeds = Annotated[str, typer.Option("--seed", "-s", help="Random seeds: 0 or 0,1,2.")]
Device = Annotated[str, typer.Option(help="Device: auto, cpu, cuda, cuda:1 or mps.")]
Devices = Annotated[
    str,
    typer.Option(
        help="Several devices for one run: 2, or the GPUs 0,1. With --device cpu, so many processes.",
        show_default=False,
    ),
]
Output = Annotated[Path, typer.Option("--runs", "--output", "-o", help="Folder of the runs.")]
Root = Annotated[Path | None, typer.Option(help="Root folder of the dataset.")]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help="Use at most N videos of each split; tables mark the run as limited."),
]


def _number_or_auto(least: int) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if text != "auto" and not (text.isdecimal() and int(text) >= least):
            raise typer.BadParameter(f"'{text}' is neither a whole number from {least} on nor auto.")
        return text

    return checked


def number_of(text: str) -> Number:
    """The value of such an option."""
    return "auto" if text == "auto" else int(text)


Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        "-j",
        metavar="N|auto",
        parser=_number_or_auto(0),
        help="Number of processes that read videos; auto: by the cores that this process may use.",
    ),
]
Jobs = Annotated[
    str,
    typer.Option(
        "--jobs",
        metavar="N|auto",
        parser=_number_or_auto(1),
        help="Number of runs at a time, each in a process and on a GPU of its own; auto: one a GPU.",
    ),
]
DecoderName = Annotated[
    str, typer.Option(help="Video decoder: auto or a name from `dferbench list decoders`.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip unreadable videos; the record lists them.")]
SaveEvery = Annotated[
    float,
    typer.Option(
        "--save-every",
        min=0,
        help="Minutes between two writings of the state that a killed run resumes from; 0: every epoch.",
    ),
]
KeepPredictions = Annotated[
    str,
    typer.Option(
        "--keep-predictions",
        help="Predictions for the test videos after the last epoch alone, or after all, so that best-on-test "
        "can be re-scored too: last or all.",
    ),
]
Validation = Annotated[
    float | None,
    typer.Option(
        help="Fraction of the training videos held out to choose epochs by, such as 0.1; 0: none.",
        show_default=False,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        help="End a stage after N epochs without a better result on the validation videos.",
        show_default=False,
    ),
]
Selection = Annotated[
    str,
    typer.Option(
        "--select",
        "--selection",
        help="Which epoch counts: last, best-on-test, val (best on validation videos, by WAR) or val:METRIC.",
    ),
]
Optimism = Annotated[
    bool,
    typer.Option(
        "--optimism",
        help="Show by how much the epoch that is best on test beats the one that validation picks.",
    ),
]
Changed = Annotated[
    str,
    typer.Option(
        help="Runs whose plugin code has changed since: ask (an error that names them), keep the old result, "
        "or run again."
    ),
]
MetricNames = Annotated[
    str,
    typer.Option(
        "--metrics",
        help="The metrics shown: uar,war,macro-f1 ... (dferbench list metrics).",
        show_default=False,
    ),
]
RankedBy = Annotated[
    str,
    typer.Option("--by", help="The metric that ranks; the first one shown if not given.", show_default=False),
]
Level = Annotated[
    float | None,
    typer.Option(
        "--interval",
        metavar="PERCENT",
        min=50,
        max=99.9,
        help="Show the interval that holds the truth in PERCENT of such studies, such as 95.",
        show_default=False,
    ),
]
LevelOrDefault = Annotated[
    float,
    typer.Option(
        "--interval",
        metavar="PERCENT",
        min=50,
        max=99.9,
        help="The level of intervals and tests: intervals hold the truth in PERCENT of such studies.",
    ),
]
Without = Annotated[
    Path | None,
    typer.Option(
        "--without",
        metavar="FILE",
        help="Also show the numbers without the test videos that a CSV lists (dferbench data leaks -o FILE).",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker", help="Also log to csv, tensorboard, wandb or mlflow, as NAME or 'NAME(option=value)'."
    ),
]


FINDERS = "haar, yunet, yunet(model=FILE), boxes(path=FILE), center, none, or a plugin's"
Margin = Annotated[
    float, typer.Option(min=0, max=10, help="Margin around the face, as a fraction of the face size.")
]
Every = Annotated[int, typer.Option(min=1, help="Detect the face every N frames.")]
Least = Annotated[float, typer.Option(min=0, max=1, help="Minimum fraction of sampled frames with a face.")]
Align = Annotated[
    bool,
    typer.Option("--align", help="Rotate frames so that the eyes are level, where eyes are detected."),
]
Choose = Annotated[
    str,
    typer.Option(help="Which of several faces to follow: largest, most-central or longest-track."),
]
MostJumps = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Maximum jumps of the crop (cuts, other people), as a fraction of sampled frames; 0 for none.",
    ),
]
MostFar = Annotated[
    float,
    typer.Option(min=0, max=1, help="Maximum fraction of frames more than 2 x --every frames from any face."),
]
FileMethod = Annotated[
    str,
    typer.Option("--model", "-m", help="Method, if the file does not state it.", autocompletion=method_names),
]
FileSettings = Annotated[
    list[str] | None, typer.Option("--set", help="Method option that the file does not state.")
]
FileClasses = Annotated[
    str, typer.Option(help="Class names in the order of the logits, if the file does not state them: a,b,c.")
]
FileWeights = Annotated[list[str] | None, typer.Option(help="Backbone weights: NAME=FILE.")]
