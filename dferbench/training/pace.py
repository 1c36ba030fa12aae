"""How often the host asks a device for numbers, for which both must wait."""

from __future__ import annotations

import time

STEPS = 20
SECONDS = 1.0


class Pace:
    """True every so many steps; also after so many seconds, where steps are long and waiting costs little."""

    def __init__(self, steps: int = STEPS, seconds: float = SECONDS) -> None:
        self._every, self._seconds = steps, seconds
        self._steps, self._last = 0, time.monotonic()

    def due(self) -> bool:
        """Count a step, and say whether it is time."""
        self._steps += 1
        if self._steps < self._every and time.monotonic() - self._last < self._seconds:
            return False
        self._steps, self._last = 0, time.monotonic()
        return True
