"""Reports: tables say what the record says, the page needs nothing from outside, and hostile titles stay text."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from transfer_cases import PROPERTY

from domains.split import share_text
from transfer.report.charts import gain_chart, shots_charts, shown_variants
from transfer.report.markdown import interests, markdown, table
from transfer.report.numbers import difference_text, p_text, relative_text
from transfer.report.page import page
from transfer.report.svg import Interval, Series, bar_pairs, forest, line_chart, minus, stacked, ticks
from transfer.report.tables import columns_of, gains_of, interest_gains, rows_of, title_of

EVIL = "<script>alert('x')</script> & \"co\" | pipe"


def metric(*values):
    mean = sum(values) / len(values)
    return {"mean": mean, "std": 0.01 if len(values) > 1 else 0.0, "values": list(values)}


def variant(full, sampled, auc, beyond=(0.5, 0.25)):
    stage = {
        "full": {"ndcg@10": metric(*full), "hit@10": metric(*full)},
        "sampled": {"ndcg@10": metric(*sampled), "hit@10": metric(*sampled), "auc": metric(*auc)},
    }
    return {
        "validation": stage, "test": stage, "beyond": {"coverage": beyond[0], "popularity_rank": beyond[1]}
    }  # fmt: skip


def comparison(variant, baseline, metric, difference, relative, low, high, p):
    return {
        "variant": variant, "baseline": baseline, "stage": "test", "metric": metric, "difference": difference,
        "relative": relative, "low": low, "high": high, "p_users": p, "p_seeds": None, "seeds": 2,
    }  # fmt: skip


def cell():
    variants = {
        "popular": variant((0.02,), (0.05,), (0.6,), (0.001, 0.0001)),
        "sasrec": variant((0.03, 0.05), (0.10, 0.12), (0.7, 0.7)),
        "sasrec+ipe+s2idm": variant((0.05, 0.07), (0.11, 0.13), (0.8, 0.8)),
        "gru4rec": variant((0.01,), (0.02,), (0.5,)),
    }
    comparisons = [
        comparison("sasrec+ipe+s2idm", "sasrec", "full/ndcg@10", 0.02, 0.5, 0.01, 0.03, 0.00001),
        comparison("sasrec+ipe+s2idm", "sasrec", "sampled/ndcg@10", 0.01, 0.0909, -0.01, 0.03, 0.0456),
        comparison("gru4rec", "popular", "full/ndcg@10", -0.01, -0.5, -0.02, 0.001, 0.2),
    ]
    group = {
        "low": 3, "high": 5, "users": 10, "mean": {"sasrec": 0.1, "sasrec+ipe+s2idm": 0.2},
        "gain": {"sasrec+ipe+s2idm": {"mean": 0.1, "error": 0.01}},
    }  # fmt: skip
    few = dict.fromkeys(variants, 0.25)
    return {
        "key": "a-to-b", "label": f"a to b {EVIL}", "protocol_name": "strong", "recipe": "tiny", "description": EVIL,
        "sources": [f"a{EVIL}"], "loss": "bce", "bases": {"sasrec+ipe+s2idm": "sasrec"},
        "metrics": {
            "domain": f"b{EVIL}", "users": 1234, "items": 567, "interactions": 8901, "seeds": [0, 1],
            "protocol": {
                "split": "leave-one-out", "selection": "validation full/mrr, on some", "sampled": "999",
                "full": "all items", "repeats": "removed", "prompts_see": "train", "shots": 0.25, "training_users": 300,
                "test_users": 400,
            },
            "coverage": {"share": 0.9}, "variants": variants, "baselines": ["popular"], "skipped": {},
            "few_seeds": {"gru4rec": [0]}, "product": {"variant": "sasrec+ipe+s2idm"}, "comparisons": comparisons,
        },
        "published": {
            "source": "A paper", "table": "t", "differs": ["other data"],
            "figures": {"sasrec": {"ndcg@10": 0.2}, "sasrec+ipe+s2idm": {"ndcg@10": 0.21}},
        },
        "breakdowns": {"history": [group, {**group, "low": 6, "high": 6}], "known_anchors": [group]},
        "thresholds": [
            {"at_most": 2, "users": 0, "values": {"sampled/ndcg@10": {}}},
            {"at_most": 3, "users": 7, "values": {"sampled/ndcg@10": few}},
            {"at_most": 5, "users": 9, "values": {"sampled/ndcg@10": few}},
        ],
        "curves": {
            "sasrec (base) · seed 0": {"epoch": [0.0, 1.0], "validation": [0.1, 0.2], "seconds": [0.0, 1.0]},
            "sasrec · seed 0": {"epoch": [0.0], "validation": [0.2], "seconds": [0.0]},
        },
        "overlap": [
            {"source": "a", "target": "b", "shared": 3, "first_only": 1, "second_only": 0, "divergence": 0.5}
        ],
        "cases": [{
            "user": EVIL, "history": [EVIL, ""], "interactions": 2, "known": 1, "words": ["toy_car", EVIL],
            "before": [1.0, 0.0], "after": [0.5, 1.0],
        }],
    }  # fmt: skip


@pytest.fixture
def record():
    row = {"model": "S2IDM", "items": 100, "width": 10, "parameters_m": 0.5, "memory_mb": 12.0, "train_s": 1.5}
    rows = [{**row, "evaluate_s": 0.25}, {**row, "model": "TI-DiffRec", "width": 100, "evaluate_s": 2.5}]
    printed = {"data": "CD", "model": "S2IDM", "items": 105841, "sememes": 476, "parameters_m": 0.92, "gpu_mb": 1408,
               "train_s": 364.9, "evaluate_s": 827.78}  # fmt: skip
    reference = {
        "place": "table5/pixel", "source": "A paper", "table": "t", "differs": [],
        "figures": {"sasrec": {"ndcg@10": 0.0857, "hit@10": 0.1583}, "t-diffrec": {"ndcg@10": 0.0436}},
    }  # fmt: skip
    return {
        "reference": [reference], "name": "trial", "description": EVIL,
        "made": {"date": "2030-01-02", "machine": "a machine", "torch": "9", "release": "1", "quick": False,
                 "command": f"transfer experiment trial --set name={EVIL}"},
        "cells": [cell(), {**cell(), "key": "second", "label": "second", "published": None}],
        "unfinished": [{"key": "third", "reason": EVIL}],
        "cost": {"settings": {"users": 500}, "rows": rows, "published": {"title": "Table 3", "rows": [printed]}},
    }  # fmt: skip


class Reader(HTMLParser):
    """Collects tags, and checks that they close in order."""

    VOID = frozenset({"meta", "br", "link", "img", "hr", "wbr"})

    def __init__(self):
        super().__init__()
        self.stack, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.stack == []
    return reader


def test_the_page_stands_alone_and_is_safe(record):
    html = page(record)
    reader = read(html)
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed"}
    for _, attributes in reader.seen:
        assert not {name for name in attributes if name.startswith("on") or name == "src"}
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in html
    assert "@import" not in html
    assert "http" not in html
    text = " ".join(reader.text)
    assert EVIL in text
    anchors = [attributes["href"][1:] for tag, attributes in reader.seen if tag == "a"]
    assert anchors == ["a-to-b", "second"]
    assert set(anchors) <= {attributes.get("id") for _, attributes in reader.seen}


def test_the_page_says_when_it_means_nothing(record):
    assert "No figure here means" not in page(record)
    record["made"]["quick"] = True
    assert "No figure here means" in page(record)
    assert "no figure here means anything" in markdown(record)


def test_the_page_says_what_chose(record):
    extras, usual = record["cells"]
    usual["metrics"] = {**usual["metrics"], "few_seeds": {}}
    product = "<code>sasrec+ipe+s2idm</code>"
    html = page(record)
    assert f"validation prefers {product}, extra variants aside.</p>" in html
    assert f"validation prefers {product}.</p>" in html
    extras["metrics"]["protocol"]["training_users"] = 0
    assert f"nobody trains, so nothing was validated: {product} is chosen" in page(record)


def test_differences_that_tables_do_not_show_are_explained(record):
    said = "held against others over the seeds that both have"
    assert markdown(record).count(said) == page(record).count(said) == 2
    for one in record["cells"]:
        one["metrics"] = {**one["metrics"], "few_seeds": {"gru4rec": [0, 1]}}
    assert said not in markdown(record) + page(record)


def test_what_may_be_chance_is_grey_by_itself(record):
    html = page(record)
    row = next(row for row in html.split("<tr") if "<span class='spread'>over" in row)
    assert re.findall(r"<td( class=\"unsure\")?>", row) == [' class="unsure"'] * 4 + [""] * 3


def test_axes_say_which_metric_they_are_of(record):
    texts = re.findall(r'class="name"[^>]*>([^<]+)', page(record))
    assert {"validation full/mrr", "gain in NDCG@10, all items"} <= set(texts)


def test_names_of_variants_may_break(record):
    html = page(record)
    tables = "".join(re.findall(r"<table>.*?</table>", html, flags=re.S))
    assert "<code>sasrec+<wbr>ipe+<wbr>s2idm</code>" in tables
    assert not re.search(r"<code>[^<]*\+[^<]", tables)


def test_charts_are_well_formed(record):
    charts = re.findall(r"<svg.*?</svg>", page(record), flags=re.S)
    assert len(charts) > 10
    for chart in charts:
        root = ET.fromstring(chart)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for element in root.iter():
            for name, value in element.attrib.items():
                if name in {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy"}:
                    limit = width if "x" in name else height
                    assert -1 <= float(value) <= limit + 1, ET.tostring(element)


def width_of(text, size):
    """True width in a font that is wider than those of most systems."""
    return TextPath((0, 0), text, size=size, prop=FontProperties(family="DejaVu Sans")).get_extents().x1


def assert_fits(chart):
    """Every line of text lies inside the chart; sizes are those of the style sheet."""
    root = ET.fromstring(chart)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for element in root.iter("text"):
        size = {"label": 11.5, "name": 11}.get(element.attrib["class"], 10.5)
        for line in list(element) or [element]:
            place = {**element.attrib, **line.attrib}
            long = width_of(line.text, size) if line.text else 0
            start = float(place["x"]) - long * {"start": 0, "middle": 0.5, "end": 1}[place.get("text-anchor", "start")]
            assert start >= 0, line.text
            assert start + long <= width, line.text
            assert size <= float(place["y"]) <= height, line.text


def test_labels_of_a_forest_are_broken_where_they_do_not_fit():
    ours, theirs = (f"sasrec+no-id+title-semantic+source+ipe+{end}" for end in ("constant", "shuffled"))
    longest = "sasrec+memory+no-id+title-semantic+source+s2idm"
    labels = {
        "sasrec+ipe over sasrec": ["sasrec+ipe over sasrec"],
        f"{ours} over {theirs}": [ours, "over sasrec+no-id+title-semantic+source+ipe", "+shuffled"],
        f"{longest}+constant+matching over sasrec": [longest, "+constant+matching", "over sasrec"],
        "films to books · strong, 0.1% of <b> the users train": [
            "films to books · strong, 0.1% of <b> the users",
            "train",
        ],
        "a" * 60: ["a" * 46, "a" * 14],
    }
    rows = [Interval(label, 0.0, -0.01, 0.01, "+1234.5%") for label in labels]
    chart = forest(rows, "NDCG@10 over all items, difference and 95 % interval")
    root = ET.fromstring(chart)
    texts = [text for text in root.iter("text") if text.attrib["class"] == "label"]
    assert [[line.text for line in text] for text in texts] == list(labels.values())
    assert_fits(chart)
    levels = [float(circle.attrib["cy"]) for circle in root.iter("circle")]
    for text, bar, above in zip(texts, levels, [-10, *levels], strict=False):
        lines = [float(line.attrib["y"]) for line in text]
        assert above + 10 < lines[0] <= lines[-1] < bar
        assert all(b - a >= 12 for a, b in pairwise(lines))


def test_long_names_and_numbers_fit_their_charts(record):
    one = record["cells"][0]
    one["label"], one["metrics"]["protocol"]["shots"] = "films to books", 0.001
    one["bases"]["sasrec+ipe+s2idm"] = "sasrec+title-semantic+ipe+shuffled+matching"
    one["breakdowns"]["history"][0]["gain"]["sasrec+ipe+s2idm"] = {"mean": -1e-4, "error": 1e-4}
    one["thresholds"][-1]["at_most"] = 100_000
    one["cases"][0]["words"] = ["common_mammal_names", "toy"]
    record["cost"]["rows"] += [{**row, "items": 100_000, "evaluate_s": 12_345} for row in record["cost"]["rows"]]
    for chart in re.findall(r"<svg.*?</svg>", page(record), flags=re.S):
        assert_fits(chart)
    assert_fits(forest([Interval("a tick near each edge", 0.0, -9.3e-4, 9.3e-4, "")], "gain"))
    source = "only in movielens-1m-with-a-long-name + books"
    texts = [text.text for text in ET.fromstring(stacked([(source, 1_234_567, 0)])).iter("text")]
    assert source.startswith(texts[0].removesuffix("…"))
    assert 20 + width_of(texts[0], 11.5) < 356 - width_of(texts[1], 10.5)


@pytest.mark.parametrize(("sign", "cells"), [("a", 1), ("本", 2), ("ー", 2)])
def test_words_of_any_script_leave_room_for_their_bars(sign, cells):
    (label,) = [t.text for t in ET.fromstring(bar_pairs([sign * 40], [0.5], [1.0])).iter("text") if "…" in t.text]
    (plain,) = [t.text for t in ET.fromstring(bar_pairs(["a" * 40], [0.5], [1.0])).iter("text") if "…" in t.text]
    assert set(label) == {sign, "…"}
    assert len(plain) - 1 - cells < cells * (len(label) - 1) <= len(plain) - 1


def test_rows_say_what_was_measured():
    one = cell()
    assert [heading for _, _, heading in columns_of(one)] == [
        "NDCG@10, all items", "Hit@10, all items", "NDCG@10, sampled", "Hit@10, sampled", "AUC, sampled"
    ]  # fmt: skip
    rows = {row.variant: row for row in rows_of(one)}
    assert [rows[name].seeds for name in rows] == [0, 2, 2, 1]
    ours = rows["sasrec+ipe+s2idm"].figures
    assert ours[0].mean == pytest.approx(0.06)
    assert ours[0].best
    assert ours[0].spread == 0.01
    assert ours[0].published is None, "published figures are of the sampled protocol"
    assert ours[2].published == 0.21
    assert rows["gru4rec"].figures[0].spread is None
    assert not rows["popular"].figures[0].best
    assert title_of(one).endswith("· strong, 25% of the users train")


def test_small_shares_are_told_apart():
    cells = [copy.deepcopy(cell()) for _ in range(3)]
    for one, share in zip(cells, (0.001, 0.002, 0), strict=True):
        one["metrics"]["protocol"]["shots"] = share
    titles = [title_of(one).partition("strong, ")[2] for one in cells]
    assert titles == [f"{share} of the users train" for share in ("0.1%", "0.2%", "0%")]
    (chart,) = shots_charts(cells)
    assert re.findall(r">([\d.]+%)</text>", chart) == ["0%", "0.1%", "0.2%"]
    assert [share_text(share) for share in (0.05, 0.25, 1)] == ["5%", "25%", "100%"]


def test_a_variant_has_one_colour_in_all_charts_of_scarce_targets():
    cells = [copy.deepcopy(cell()) for _ in range(4)]
    for one, label, share in zip(cells, "aabb", (0.05, 1, 1, 0.05), strict=True):
        one["label"], one["metrics"]["protocol"]["shots"] = label, share
    for one in cells[2:]:
        one["metrics"]["product"]["variant"] = "gru4rec"
        del one["metrics"]["variants"]["sasrec+ipe+s2idm"]
    first, second = (dict(re.findall(r'<li class="(c\d)">([^<]+)', chart)) for chart in shots_charts(cells))
    assert first == {"c0": "sasrec", "c1": "sasrec+ipe+s2idm", "c2": "gru4rec"}
    assert second == {"c0": "sasrec", "c2": "gru4rec"}


def test_baselines_do_not_stretch_the_chart_of_gains():
    one = cell()
    far = {**one["metrics"]["comparisons"][0], "baseline": "popular", "difference": 0.9, "low": 0.8, "high": 1.0}
    one["metrics"]["comparisons"].append(far)
    assert "popular" in [gain.rival for gain in gains_of(one)]
    chart = gain_chart(one)
    assert "sasrec+ipe+s2idm over sasrec" in chart
    assert "popular" not in chart


def test_gains_are_held_against_the_published_ones():
    one = cell()
    (full,) = gains_of(one)
    assert (full.relative, full.published, full.certain) == (0.5, None, True)
    (sampled,) = gains_of(one, "sampled/ndcg@10")
    assert sampled.published == pytest.approx(0.05)
    assert not sampled.certain


def test_matching_beside_a_model_is_always_held_against_matching_alone():
    one = cell()
    pattern, metrics = one["metrics"]["comparisons"][0], one["metrics"]
    metrics["baselines"] = ["popular", "matching"]
    pairs = [("sasrec+matching", "matching"), ("sasrec+matching", "popular"), ("sasrec", "matching")]
    metrics["comparisons"] = [{**pattern, "variant": ours, "baseline": theirs} for ours, theirs in pairs]
    assert [(gain.variant, gain.rival) for gain in gains_of(one, pattern["metric"])] == [pairs[0]]


def test_what_interests_add_is_told_apart_from_what_else_differs():
    one = cell()
    more = [
        comparison(f"sasrec+ipe+s2idm{end}", rival, metric, 0.01, 0.1, 0.0, 0.02, 0.04)
        for end, rival in (("", "sasrec+ipe+constant"), ("", "gru4rec"), ("+matching", "sasrec+ipe+s2idm"))
        for metric in ("full/ndcg@10", "sampled/ndcg@10")
    ]
    one["metrics"]["comparisons"] += more
    found = interest_gains([one])
    assert [gain.rival for gain in found] == ["sasrec", "sasrec+ipe+constant"]
    assert (found[0].full.relative, found[0].sampled.relative) == (0.5, 0.0909)
    assert found[0].sampled.published == pytest.approx(0.05)
    two = {"cells": [one, {**one, "key": "other"}]}
    rows = [line for line in interests(two).splitlines() if "`sasrec+ipe+constant`" in line]
    assert len(rows) == 2
    assert "| +10.0% | 0.040 |" in rows[0]
    assert interests({"cells": []}) == ""


def test_markdown_holds_the_figures_and_marks_published_ones(record):
    text = markdown(record)
    glance, sampled, row, *_ = (line for line in text.splitlines() if line.startswith("| `sasrec+ipe+s2idm` |"))
    assert "**0.0600 ± 0.0100**" in glance
    assert "**0.1200 ± 0.0100** (p 0.2100)" in sampled
    assert "**0.0600 ± 0.0100**" in row
    assert "(p 0.2100)" in row
    assert "published by A paper. What differs: other data." in text
    assert "| `sasrec+ipe+s2idm` over `sasrec` | +0.0200 | +50.0% | +0.0100 … +0.0300 | < 0.001 |" in text
    assert "0.0500, 0.0700" in text
    assert "S2IDM on CD (published)" in text
    for block in re.split(r"\n\n", text):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) <= 1, block


def test_published_figures_on_other_data_stand_apart(record):
    text = markdown(record)
    part = text[text.index("## Published, on other data") :]
    assert "| table5/pixel | `sasrec` | 0.0857 | 0.1583 |" in part
    assert "| table5/pixel | `t-diffrec` | 0.0436 |  |" in part
    html = page(record)
    assert "None of these figures is ours" in html
    record["reference"] = []
    assert "on other data" not in page(record) + markdown(record)


def test_a_pipe_does_not_break_a_table():
    assert table(["a", "b"], [["x|y", "1"]]).splitlines()[-1] == "| x\\|y | 1 |"


def test_a_cell_with_next_to_nothing_still_renders(record):
    bare = copy.deepcopy(record["cells"][0])
    bare |= {"curves": {}, "cases": [], "overlap": [], "thresholds": [], "bases": {}, "published": None}
    bare["breakdowns"] = {"history": [], "known_anchors": []}
    bare["metrics"]["comparisons"] = []
    record |= {"cells": [bare], "cost": None}
    read(page(record))
    assert "`sasrec`" in markdown(record)


def test_the_lines_shown_are_those_of_the_claim():
    one = cell()
    assert shown_variants(one) == ["sasrec", "sasrec+ipe+s2idm", "gru4rec"]


@PROPERTY
@given(st.floats(-1e4, 1e4), st.floats(1e-5, 1e4), st.integers(2, 6))
def test_ticks_are_round_and_inside(low, span, count):
    high = low + span
    assume(high - low > 1e-6)
    found = ticks(low, high, count)
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in found)
    assert 1 <= len(found) <= 2 * count + 2
    steps = [b - a for a, b in pairwise(found)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)


def test_extreme_charts_hold():
    flat = Series("flat", (0.0,), (0.0,))
    tiny = Series("tiny", (0.0, 1.0), (1e-9, 2e-9), (1e-10, 0.0), 3)
    for chart in (
        line_chart([flat], "x", "y"),
        line_chart([tiny], "x", "y", ["a", "b"]),
        forest([Interval("all", -0.5, -0.6, -0.4, "")], "gain"),
        forest([Interval("nothing", 0.0, 0.0, 0.0, "")], "gain"),
        bar_pairs(["word"], [0.0], [0.0]),
        stacked([("none", 0, 0), ("also none", 0, 1)]),
    ):
        ET.fromstring(chart)


def numbers(chart):
    return [text.text for text in ET.fromstring(chart).iter("text") if text.attrib["class"] == "tick"]


@pytest.mark.parametrize("gain", [0.0, -1e-9, 4e-6])
def test_gains_of_about_zero_get_an_axis_that_can_be_read(gain):
    chart = forest([Interval("a over b", gain, gain, gain, "")], "gain")
    assert numbers(chart) == [minus("-0.00020"), "0.00000", "+0.00020"]
    assert_fits(chart)
    flat = line_chart([Series("a", (0.0, 1.0), (gain, gain))], "x", "y", ["a", "b"])
    assert numbers(flat) == [minus("-0.00020"), "0.00000", "0.00020", "a", "b"]


@pytest.mark.parametrize(
    ("epochs", "shown"),
    [((0,), "0 1"), ((0, 1), "0 1"), ((0, 1, 2), "0 1 2"), (range(13), "0 5 10"), (range(4), "0 1 2 3")],
)
def test_epochs_are_whole(epochs, shown):
    chart = line_chart([Series("a", tuple(map(float, epochs)), (0.5,) * len(epochs))], "epoch", "validation")
    across = [text.text for text in ET.fromstring(chart).iter("text") if text.attrib["text-anchor"] == "middle"]
    assert across == [*shown.split(), "epoch"]


def test_a_forest_tells_gains_from_losses_and_chance():
    rows = [Interval("a", 1, 0.5, 1.5, ""), Interval("b", -1, -1.5, -0.5, ""), Interval("c", 0.1, -0.5, 0.7, "")]
    root = ET.fromstring(forest(rows, "gain"))
    assert [group.attrib["class"] for group in root.iter("g")] == ["up", "down", "unsure"]
    middles = [float(circle.attrib["cx"]) for circle in root.iter("circle")]
    assert middles[1] < middles[2] < middles[0]


def test_p_values_read_well():
    assert [p_text(p) for p in (None, 0.0004, 0.0456)] == ["", "< 0.001", "0.046"]


def test_what_rounds_to_zero_is_no_loss():
    assert [difference_text(value) for value in (-0.00004, -0.0456, 0.0)] == ["+0.0000", "-0.0456", "+0.0000"]
    assert [relative_text(share) for share in (None, -0.0004, -0.04, 0.0)] == ["", "+0.0%", "-4.0%", "+0.0%"]
