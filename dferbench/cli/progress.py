"""The reporter of verbs under its earlier name; it lives in the interface, which functions use too."""

from __future__ import annotations

from dferbench.interface.progress import make_progress as make_progress
