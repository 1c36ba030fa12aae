"""What no net of this package can be built with."""

from __future__ import annotations

from dferbench import ConfigError


def require_shape(width: int, dropout: float = 0.0) -> None:
    """Raises ConfigError for a net without channels, and for a dropout that is no share below 1."""
    if width < 1:
        raise ConfigError(
            f"width is {width}, so the net has no channels", "Give at least 1; it was made with 64."
        )
    if not 0 <= dropout < 1:
        raise ConfigError(
            f"dropout is {dropout}", "Give a number from 0 to below 1; the nets were made with 0.5."
        )
