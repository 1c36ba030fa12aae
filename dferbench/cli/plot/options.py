"""Options of all pictures: which runs, how wide, how dark, into which file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.errors import UnknownName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dferbench.figures.style import Style

Runs = Annotated[list[Path], typer.Argument(help="Folders of runs, or of many of them; records.")]
File = Annotated[
    Path, typer.Option("--output", "-o", help="The picture: a name that ends in .svg, .png or .pdf.")
]
Methods = Annotated[list[str] | None, typer.Option("--method", "-m", help="Only this; repeatable.")]
Datasets = Annotated[list[str] | None, typer.Option("--dataset", "-d", help="Only this; repeatable.")]
Width = Annotated[
    str, typer.Option(help="column (3.35 inches) or double (6.9 inches), as in two-column papers.")
]
Dark = Annotated[bool, typer.Option("--dark", help="Light on dark, for pages and slides.")]

WIDTHS = ("column", "double")


@dataclass(frozen=True)
class Picture:
    """A file that is to be drawn, and how. Raises ConfigError for an unknown width or form of file."""

    path: Path
    width: str
    dark: bool

    def __post_init__(self) -> None:
        from dferbench.figures.save import require_form

        require_form(self.path)
        if self.width not in WIDTHS:
            raise UnknownName("width", self.width, WIDTHS)

    @property
    def style(self) -> Style:
        """What its width and darkness mean."""
        from dataclasses import replace

        from dferbench.figures.style import DOUBLE, PAPER

        return replace(DOUBLE if self.width == "double" else PAPER, dark=self.dark)

    def write(self, figure: Figure) -> None:
        """Save the figure, and say what it shows for who cannot see it. Raises DferbenchError."""
        from dferbench.figures.save import save
        from dferbench.figures.words import sentence

        save(figure, self.path)
        typer.echo(f"{self.path}: {sentence(figure)}")
