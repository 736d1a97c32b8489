"""Every built-in system passes the contract that plug-ins inherit."""

from __future__ import annotations

import pytest

from transfer.registry import BUILT_IN
from transfer.testing import SystemContract

SMALL = {"model": {"hidden": 16, "epochs": 60, "batch_size": 16, "steps": 3, "learning_rate": 0.01, "patience": 60}}
SETTINGS = {"t-diffrec": SMALL, "ti-diffrec": SMALL, "pdrec": {"diffusion": SMALL}, "ease": {"l2": 1.0}}
NO_ORDER = {
    *("popular", "next-ids", "item-knn", "ease", "anchor-matching", "matching", "terms", "s2idm-matching"),
    *("t-diffrec", "ti-diffrec"),
}


def contract_of(system: str) -> type[SystemContract]:
    members = {"name": system, "settings": SETTINGS.get(system, {}), "learns_order": system not in NO_ORDER}
    return type(f"Test{system.title().replace('-', '')}", (SystemContract,), members)


globals().update({made.__name__: made for made in map(contract_of, BUILT_IN)})


@pytest.mark.parametrize("system", sorted(BUILT_IN))
def test_every_system_has_a_contract(system):
    assert any(getattr(one, "name", None) == system for one in globals().values() if isinstance(one, type))
