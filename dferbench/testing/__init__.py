"""The contract suite: what everything that a plugin brings must keep, checked in seconds.

from dferbench.testing import assert_contract, assert_plugin
def test_method(): assert_contract("my-method")
def test_metric(): assert_contract("metric/my-metric")
def test_all(): assert_plugin(my_plugin)  # the module
"""

from dferbench.testing.check import assert_contract, assert_plugin, check_method, check_part
from dferbench.testing.modules import small_tower
from dferbench.testing.outcome import Outcome

__all__ = ["Outcome", "assert_contract", "assert_plugin", "check_method", "check_part", "small_tower"]
