"""The convolutional baselines of DFER-CLIP's Table 5: C3D, P3D, I3D-RGB, 3D ResNet18 and R(2+1)D18."""

from __future__ import annotations

from collections.abc import Callable

from dferbench import Method, hookimpl
from dferbench_methods.conv3d import builds, cards, recipes


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register the five methods; torch is imported when one is built."""
    for name, build, card, convert in (
        ("c3d", builds.c3d, cards.C3D, builds.convert_c3d),
        ("p3d", builds.p3d, cards.P3D, builds.convert_p3d),
        ("i3d", builds.i3d, cards.I3D, builds.convert_i3d),
        ("r3d18", builds.r3d18, cards.R3D18, builds.convert_r3d18),
        ("r2plus1d18", builds.r2plus1d18, cards.R2PLUS1D18, builds.convert_r2plus1d18),
    ):
        recipe, recipe_for = recipes.of(name)
        register(
            Method(
                name, build, recipe, recipe_for, paper=card["paper"], card=card, convert=convert,
                options_for=recipes.OPTIONS_FOR[name],
            )
        )  # fmt: skip
