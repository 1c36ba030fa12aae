"""Fifty configurations keep the ids of the first release, so that old runs answer for new commands."""

import json

import pytest
from conftest import ROOT

from dferbench.experiment.plan import Request, settle
from dferbench.registry.catalog import discover

CONFIGURATIONS = json.loads((ROOT / "tests" / "config_ids.json").read_text())
CATALOG = discover()
CHANGED = {"m3dfel", "mae-dfer", "s2d", "videomae"}
"""Their recipes gained the released learning rates and augmentation, and with them other ids."""


@pytest.mark.parametrize("one", CONFIGURATIONS, ids=lambda one: f"{one['method']}-{one['first']}")
def test_a_configuration_keeps_its_id(one):
    request = Request(
        one["method"], one["dataset"], sets=one["set"], weights=one["weights"], limit=one["limit"]
    )
    assert settle(request, CATALOG).config_id == one.get("now", one["first"])


def test_the_fifty_are_different_and_only_stated_methods_changed():
    assert len({one["first"] for one in CONFIGURATIONS}) == len(CONFIGURATIONS) == 50
    assert {one["method"] for one in CONFIGURATIONS} == set(CATALOG.entries["methods"])
    assert {one["method"] for one in CONFIGURATIONS if "now" in one} == CHANGED
