"""The script that draws the paper's gains beside ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = """# table4_trial

## a to b

**Figures on test**

| variant | seeds | NDCG@10, all items | NDCG@10, sampled |
| --- | ---: | ---: | ---: |
| `sasrec` | 5 | 0.0400 ± 0.0010 | 0.2000 ± 0.0010 (published 0.2236) |
| **`sasrec+ipe+s2idm`** (product) | 5 | **0.0410 ± 0.0013** | **0.2100 ± 0.0010** |
| `sasrec+ipe+constant` | 5 | 0.0410 ± 0.0013 | 0.2100 ± 0.0010 |

**NDCG@10, all items: differences on test**

| variant | over | difference | relative | 95 % interval | p |
| --- | --- | ---: | ---: | ---: | ---: |
| `sasrec+ipe+s2idm` | `sasrec` | +0.0010 | +2.5% | +0.0002 … +0.0018 | 0.020 |
| *`sasrec+ipe+s2idm`* | *`sasrec+ipe+constant`* | *+0.0000* | *+0.1%* | *-0.0041 … +0.0041* | *1.000* |
| `sasrec+ipe+s2idm` | `next-ids` | +0.0100 | +30.0% | +0.0080 … +0.0120 | &lt; 0.001 |
| *`sasrec+ipe+constant`* | *`sasrec`* | *+0.0010* | *+2.5%* | *-0.0002 … +0.0022* | *0.100* |

**NDCG@10, sampled: differences on test**

| variant | over | difference | relative | 95 % interval | p | published |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
| `sasrec+ipe+s2idm` | `sasrec` | -0.0100 | -5.0% | -0.0120 … -0.0080 | 0.020 | (published +3.0%) |

p: two-sided.
"""


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return pytest.importorskip("draw_gains")


def test_gains_are_shares_of_the_rival(script):
    sampled, all_items, no_gain = script.gains(PAGE)
    assert (sampled.transfer, sampled.rival, sampled.metric) == ("a to b", "sasrec", "NDCG@10, sampled")
    assert (sampled.low, sampled.middle, sampled.high) == pytest.approx((-6, -5, -4))
    assert sampled.published == 3.0
    assert (all_items.low, all_items.middle, all_items.high) == pytest.approx((0.5, 2.5, 4.5))
    assert all_items.published is None
    assert no_gain.rival == "sasrec+ipe+constant"
    assert (no_gain.low, no_gain.middle, no_gain.high) == pytest.approx((-10, 0, 10))


def test_a_mark_beside_a_variant_is_not_part_of_its_name(script):
    marked = PAGE.replace("`sasrec+ipe+s2idm`", "`sasrec+ipe+s2idm`†")
    assert script.gains(marked) == script.gains(PAGE)


def test_pages_of_older_tables_have_no_gains(script):
    assert script.gains("# old\n\n## a to b\n\n| gain on full/ndcg@10 | difference |\n|---|---:|\n| x | +0.1 |\n") == []


def test_the_figure_is_made_of_the_pages(script, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(script, "PAGE", tmp_path / "trial.md")
    script.PAGE.write_text(PAGE)
    script.main()
    drawn = (tmp_path / "gains.svg").read_text()
    script.main()
    assert (tmp_path / "gains.svg").read_text() == drawn
    assert re.search("a to b, over SASRec", drawn)


def test_the_page_has_gains_over_every_rival_in_four_transfers(script):
    found = script.gains(script.PAGE.read_text(encoding="utf-8"))
    compared = {(gain.transfer, gain.rival, gain.metric) for gain in found}
    assert len({gain.transfer for gain in found}) == 4
    assert len(compared) == len(found) == 4 * len(script.RIVALS) * len(script.METRICS)
