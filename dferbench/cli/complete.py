"""Names for shell completion, from light declarations only."""

from __future__ import annotations

from collections.abc import Iterator

from dferbench.registry.catalog import discover


def method_names(incomplete: str) -> Iterator[str]:
    """Methods that start with what was typed."""
    return (name for name in discover().entries["methods"] if name.startswith(incomplete))


def suite_names(incomplete: str) -> Iterator[str]:
    """Suites that start with what was typed."""
    return (name for name in discover().entries["suites"] if name.startswith(incomplete))


def dataset_names(incomplete: str) -> Iterator[str]:
    """Datasets that start with what was typed."""
    return (name for name in discover().entries["datasets"] if name.startswith(incomplete))
