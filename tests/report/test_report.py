"""Reports say what the record says, need nothing from outside, and show hostile titles as text."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from report_cases import EVIL, SHOWN, cell_record, comparison, experiment_record, five_seeds, run_record
from transfer_cases import PROPERTY

from domains.split import share_text
from transfer.report import charts, drawing
from transfer.report import result_tables as tables
from transfer.report.experiment_record import short_titles
from transfer.report.experiment_report import inline, markdown, page
from transfer.report.gains import cell_facts, cell_verdict, gains_of, holm, interest_gains, verdict
from transfer.report.run_record import KeptEpochs, VariantParts
from transfer.report.table_format import (
    Column,
    Row,
    Table,
    TableEntry,
    difference_text,
    for_markdown,
    metric_text,
    p_text,
    relative_text,
    sentence_list,
    text,
)


class Reader(HTMLParser):
    """Collects tags and text, and checks that tags close in order."""

    VOID = frozenset({"meta", "br", "link", "img", "hr", "wbr"})

    def __init__(self):
        super().__init__()
        self.stack, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.stack == []
    return reader


def drawings(html):
    return [base64.b64decode(code).decode() for code in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)]


# The page.


def test_the_page_stands_alone_and_is_safe():
    html = page(experiment_record())
    reader = read(html)
    assert not {tag for tag, _ in reader.seen} & {"script", "link", "iframe", "object", "embed", "svg"}
    for tag, attributes in reader.seen:
        assert not {name for name in attributes if name.startswith("on")}
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes or (tag == "img" and attributes["src"].startswith("data:image/svg+xml;base64,"))
    outside = re.sub(r"data:image[^\"]+", "", html)
    assert not re.search(r"url\(|@import|http|\x1b|\u202e", outside)
    assert SHOWN in "".join(reader.text)
    anchors = [attributes["href"][1:] for tag, attributes in reader.seen if tag == "a"]
    assert anchors == ["a-to-b", "second"]
    assert set(anchors) <= {attributes.get("id") for _, attributes in reader.seen}


def test_the_page_begins_with_the_verdict():
    record = experiment_record()
    html = page(record)
    first = re.search(r"<p\b[^>]*>(.*?)</p>", html, flags=re.S)[1]
    assert first == inline(verdict(record))


def test_the_product_is_marked():
    html = page(experiment_record(cells=(cell_record(),)))
    rows = re.findall(r"<tr class=\"product.*?</tr>", html, flags=re.S)
    assert len(rows) == 1
    assert "<code>sasrec+<wbr>ipe+<wbr>s2idm</code>" in rows[0]
    assert ">product</span>" in rows[0]


def test_there_are_no_empty_columns():
    html = page(experiment_record())
    for table in re.findall(r"<tbody>.*?</tbody>", html, flags=re.S):
        rows = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, flags=re.S) for row in table.split("</tr>")[:-1]]
        assert all(any(cells) for cells in zip(*rows, strict=True)), table


def test_a_quick_trial_means_nothing():
    quick = experiment_record(made=experiment_record().made.model_copy(update={"quick": True}))
    assert "The figures mean nothing" not in page(experiment_record())
    for shown in (page(quick), markdown(quick)):
        assert shown.lower().count("the figures mean nothing") == 1
    assert 'class="warn">This was a quick trial' in page(quick)


def test_a_cell_with_next_to_nothing_still_renders():
    breakdowns = {"history": (), "known_anchors": ()}
    bare = cell_record(
        run_record(comparisons=()),
        curves={},
        cases=(),
        overlap=(),
        anchor_map=(),
        thresholds=(),
        published=None,
        breakdowns=breakdowns,
    )
    record = experiment_record(cells=(bare,), cost=None, reference=(), unfinished=())
    assert drawings(page(record)) == []
    read(page(record))
    assert "`sasrec`" in markdown(record)
    nothing = experiment_record(cells=())
    read(page(nothing))
    assert "Cost" in markdown(nothing)


# Charts.


def test_charts_are_well_formed_and_repeat():
    record = experiment_record()
    found = drawings(page(record))
    assert len(found) > 10
    assert drawings(page(record)) == found
    for svg in found:
        root = ET.fromstring(svg)
        assert not [element for element in root.iter() if element.tag.endswith("script")]
    assert "<dc:date>" not in "".join(found)


def test_the_map_of_anchors_colours_words_by_domain_and_hides_none():
    (chart,) = charts.anchor_maps(cell_record())
    root = ET.fromstring(chart.svg)
    colours = {}
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        found = re.search(r"fill: (#\w+)", element.attrib["style"])
        colours[element.text] = found and found[1]
    assert colours["space"] == drawing.COLOURS[0], "both domains use it alike"
    assert colours["toy car"] == drawing.COLOURS[1], "mostly the source"
    assert "hidden" not in colours, "its label would lie on that of a more frequent anchor"
    assert any("mostly a" in (text or "") for text in colours)
    assert any("mostly b" in (text or "") for text in colours)


def assert_fits(svg):
    """Every line of text lies inside the chart, in a font that is wider than those of most systems."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    found = [element for element in root.iter() if element.tag.endswith("text")]
    assert found
    for element in found:
        style, transform = element.attrib["style"], element.attrib.get("transform", "")
        size = float(re.search(r"([\d.]+)px", style)[1])
        moved = re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", transform)
        x, y = moved[0] if moved else (element.attrib["x"], element.attrib["y"])
        anchor = (re.search(r"text-anchor: (\w+)", style) or ["", "start"])[1]
        long = TextPath((0, 0), element.text, size=size, prop=FontProperties(family="DejaVu Sans")).get_extents().x1
        start = float(x) - long * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        assert -1 <= start <= start + long <= width + 1, element.text
        assert 0 <= float(y) <= height, element.text


def test_everything_in_a_chart_fits():
    long = "sasrec+title-semantic+no-id+source+ipe+constant+matching over sasrec+title-semantic+no-id+source"
    rows = [drawing.Interval(label=long, middle=0.0, low=-0.01, high=0.01, text="+1234.5%", certain=False)] * 3
    assert_fits(drawing.forest(rows, "difference in NDCG@10, all items, 95 % interval"))
    series = [drawing.Series(long, (0, 1, 2), (0.1, 0.2, 0.3), (0.1, 0.1, 0.1))] * 6
    assert_fits(drawing.lines(series, "different anchors met before the test item", "validation NDCG@10, all items"))
    assert_fits(drawing.lines([drawing.Series("flat", (0.0,), (0.0,))], "x", "y", ["a"]))
    assert_fits(drawing.lines([drawing.Series("much", (1e5, 2e5), (12_345.0, 1.0))], "items", "evaluation (s)"))
    assert_fits(drawing.pairs(["a" * 60, "W" * 60, "word"], [1, 0, 0.5], [0, 0.5, 1]))
    assert_fits(drawing.stacked([(long, 1_234_567, 0), ("none", 0, 1)]))


def test_labels_of_a_forest_stand_between_the_bars(monkeypatch):
    made = []
    monkeypatch.setattr(
        drawing, "Figure", lambda *a, figure=drawing.Figure, **k: made.append(figure(*a, **k)) or made[-1]
    )
    rows = [
        drawing.Interval(
            label=f"{'sasrec+title-semantic+' * 4}{n}", middle=0.01, low=-0.02, high=0.03, text="+1%", certain=True
        )
        for n in range(4)
    ]
    drawing.forest(rows, "gain")
    (axes,) = made[0].axes
    bars = [line.get_window_extent().y0 for line in axes.lines[1:]]
    for label in axes.texts:
        box = label.get_window_extent()
        assert not [bar for bar in bars if box.y0 <= bar <= box.y1]
        assert label.get_bbox_patch() is not None, "what lies behind a label does not strike it through"


@pytest.mark.parametrize("gain", [0.0, -1e-9, 4e-6])
def test_gains_of_about_zero_get_an_axis_that_can_be_read(gain):
    drawn = drawing.forest(
        [drawing.Interval(label="a over b", middle=gain, low=gain, high=gain, text="", certain=False)], "gain"
    )
    ticks = re.findall(r">(\N{MINUS SIGN}?0\.\d+)</text>", drawn)
    assert "0.0000" in ticks
    assert all(len(tick) <= 8 for tick in ticks)


def test_baselines_do_not_stretch_the_chart_of_gains():
    record = run_record()
    ours, popular = (record.variants[name] for name in ("sasrec+ipe+s2idm", "popular"))
    far = comparison(ours, popular, "full/ndcg@10", 0.03, 1.0)
    one = cell_record(run_record(comparisons=(*record.comparisons, far)))
    assert "popular" in [gain.rival for gain in gains_of(one.metrics)]
    (chart,) = charts.gains(one)
    assert "s2idm over sasrec" in chart.svg
    assert "popular" not in chart.svg


def test_a_variant_has_one_colour_in_all_charts_of_scarce_targets():
    def shot(label, share, product):
        record = run_record()
        protocol = record.protocol.model_copy(update={"shots": share})
        chosen = {"variant": product, "validation": record.variants[product].selection.mean, "seed": 0}
        chosen |= {"runner_up": None, "margin": None}
        product_record = record.product.model_copy(update=chosen)
        few = {"sasrec": record.variants["sasrec"], product: record.variants[product], **record.variants}
        return cell_record(run_record(protocol=protocol, product=product_record, variants=few), label=label)

    cells = [shot("a", 0.05, "gru4rec"), shot("a", 1.0, "gru4rec"), shot("b", 1.0, "sasrec"), shot("b", 0.05, "sasrec")]
    first, second = charts.shots(cells)
    for name in ("sasrec", "gru4rec"):
        assert line_colour(first.svg, name) == line_colour(second.svg, name) != ""
    assert re.findall(r">([\d.]+%)</text>", first.svg) == ["5%", "100%"]


def line_colour(svg, name):
    """The colour of the line before a name in the legend."""
    before = svg[: svg.rindex(f">{name}</text>")]
    return re.findall(r"stroke: (#\w+)", before)[-1]


def test_the_lines_shown_are_those_of_the_claim():
    assert charts.shown_variants(cell_record()) == ["sasrec", "sasrec+ipe+s2idm", "gru4rec"]


def test_small_shares_are_told_apart():
    assert [share_text(share) for share in (0.001, 0.002, 0.05, 0.25, 1)] == ["0.1%", "0.2%", "5%", "25%", "100%"]
    assert cell_record().title.endswith("· strong, 25% of the users train")


def test_columns_leave_out_the_transfer_that_all_share():
    one, other = cell_record(protocol_name="paper"), cell_record()
    assert short_titles([one, other]) == ["paper, 25% of the users train", "strong, 25% of the users train"]
    assert [column.heading for column in tables.overview([one, other]).columns[1:]] == short_titles([one, other])
    for others in (cell_record(label="b to a"), cell_record(protocol_name="")):
        assert short_titles([one, others]) == [one.title, others.title]


# Tables.


def entry(table, name, heading):
    place = [column.heading for column in table.columns].index(heading)
    return next(row.entries[place] for row in table.rows if row.entries[0].text.startswith(f"`{name}`"))


def test_results_hold_the_figures():
    table = tables.results(run_record(), cell_record().published)
    headings = [column.heading for column in table.columns]
    assert headings[:4] == ["variant", "seeds", "validation, NDCG@10", "NDCG@10, all items"]
    assert "NDCG@5, sampled" not in headings, "it was not measured"
    assert [row.product for row in table.rows] == [False, False, True, False]
    assert [entry(table, name, "seeds").text for name in run_record().variants] == ["", "2", "2", "1"]
    ours = entry(table, "sasrec+ipe+s2idm", "NDCG@10, all items")
    assert (ours.text, ours.detail, ours.strong, ours.published) == ("0.0600", "± 0.0141", True, "")
    assert entry(table, "sasrec+ipe+s2idm", "NDCG@10, sampled").published == "0.2100"
    assert entry(table, "gru4rec", "NDCG@10, all items").detail == ""
    assert not entry(table, "popular", "NDCG@10, all items").strong
    assert entry(table, "sasrec+ipe+s2idm", "kept epoch, base + variant").text == "3\N{EN DASH}5 + 0\N{EN DASH}2"


def test_a_variant_that_never_left_its_base_is_marked_in_every_table():
    cells = [cell_record(), cell_record(key="second")]
    record = cells[0].metrics
    marked = "`sasrec+ipe+s2idm`†"
    found = [
        tables.results(record),
        tables.comparisons(record),
        tables.overview(cells),
        tables.interests(cells),
        tables.seed_values(record),
    ]
    for table in found:
        assert [row for row in table.rows if marked in [one.text for one in row.entries]], table.title
        assert not [row for row in table.rows if "`sasrec`†" in [one.text for one in row.entries]], table.title
    for table in found[:4]:
        assert any(note.startswith("†") for note in table.notes), table.title
    assert "`sasrec+ipe+s2idm` at 1 of 2 seeds" in found[0].notes[-1]


def test_groups_of_targets_stand_beside_the_whole():
    values = {"full/ndcg@10": {"sasrec": 0.015}, "full/hit@10": {"sasrec": 0.25}}
    record = run_record(target_groups=({"name": "untied", "users": 1300, "values": values},))
    table = tables.target_groups(record)
    assert entry(table, "sasrec", "NDCG@10, all targets").text == "0.0400"
    assert entry(table, "sasrec", "NDCG@10, own time").text == "0.0150"
    assert entry(table, "sasrec", "Hit@10, own time").text == "0.2500"
    assert entry(table, "popular", "NDCG@10, own time").text == ""
    assert "own time: 1,300." in table.notes[0]
    assert "NDCG@10, own time" in markdown(experiment_record(cells=(cell_record(record),)))
    assert "NDCG@10, own time" in page(experiment_record(cells=(cell_record(record),)))
    assert not tables.target_groups(run_record())


@pytest.mark.parametrize(("users", "shown"), [(19, False), (20, True)])
def test_a_group_of_few_users_has_no_figures_and_its_counterpart_neither(users, shown):
    values = {"full/ndcg@10": {"sasrec": 0.015}, "full/hit@10": {"sasrec": 0.25}}
    sizes = {"untied": 1300, "tied": users, "title-alike": 300, "title-new": 1000}
    groups = tuple({"name": name, "users": size, "values": values} for name, size in sizes.items())
    table = tables.target_groups(run_record(target_groups=groups))
    titles = [column.heading for column in table.columns]
    assert "NDCG@10, other titles" in titles
    assert ("NDCG@10, own time" in titles, "NDCG@10, time of the item before" in titles) == (shown, shown)
    few = "No figures where fewer than 20 users have such a target: time of the item before (19)."
    assert (few in table.notes) != shown
    assert ("own time" in table.notes[0]) == shown


def test_facts_say_how_much_depends_on_an_order():
    order = {"ties": "random", "held_out": 8, "held_out_tied": 2, "held_out_ascending": 1}
    order |= {"neighbours": 10, "neighbours_tied": 0, "neighbours_ascending": 7}
    protocol = run_record().protocol.as_dict()
    (fact,) = [
        one for one in cell_facts(cell_record(run_record(protocol=protocol | {"order": order}))) if "Order" in one
    ]
    assert "25 % of the held-out items share their time" in fact
    assert "70 % of the neighbours ascend" in fact
    assert "equal times: random" in fact
    assert not [one for one in cell_facts(cell_record()) if "Order" in one]


def test_facts_name_the_sources_where_there_are_any():
    record = run_record()
    assert cell_facts(cell_record(record, sources=("a", "c")))[0].startswith(f"a + c → {record.domain}: ")
    assert cell_facts(cell_record(record, sources=()))[0].startswith(f"{record.domain}: ")


def test_epoch_0_of_what_adds_no_interests_is_no_fault():
    record = run_record()
    kept = (KeptEpochs(base=3, variant=0),) * 2
    sasrec = record.variants["sasrec"].model_copy(update={"kept_epochs": kept})
    assert sasrec.unmoved == 0
    assert record.variants["sasrec+ipe+s2idm"].model_copy(update={"kept_epochs": kept}).unmoved == 2


def test_p_values_need_seeds():
    few = tables.comparisons(run_record())
    assert "p" not in [column.heading for column in few.columns]
    assert "no p-value" in few.notes[0]
    table = tables.comparisons(five_seeds())
    assert [entry.text for entry in (row.entries[5] for row in table.rows)] == ["0.030", "0.040", "0.040"]
    assert [row.entries[4].text for row in table.rows] == ["+0.0010 … +0.0900"] * 3
    assert "Holm-corrected for 3 comparisons" in table.notes[0]
    assert not any(row.faint for row in table.rows)
    (base,) = tables.comparisons(five_seeds(), bases={"sasrec+ipe+s2idm": "sasrec"}).rows
    assert base.entries[5].text == "0.010", "only the comparisons of a table count"


def test_pairs_that_never_differ_are_not_called_few_seeds():
    record = five_seeds()
    same = [one.model_copy(update={"two_way": None}) for one in record.comparisons]
    (note,) = tables.comparisons(record.model_copy(update={"comparisons": tuple(same)})).notes
    assert "all seeds give the same" in note


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_gains_are_compared_with_the_published_ones():
    record, published = run_record(), cell_record().published
    (full,) = gains_of(record, "full/ndcg@10", published)
    assert (full.relative, full.published, full.certain) == (pytest.approx(0.5), None, True)
    (sampled,) = gains_of(record, "sampled/ndcg@10", published)
    assert sampled.published == pytest.approx(0.05)
    assert not sampled.certain


def test_late_terms_alone_are_a_rival_of_those_who_add_them():
    record = run_record()
    parts = {"popular": VariantParts(architecture="popular"), "gru4rec": record.variants["gru4rec"].parts}
    terms = {"terms": ("titles", "anchors")}
    alone = record.variants["popular"].model_copy(update={"parts": parts["popular"].model_copy(update=terms)})
    joined = record.variants["gru4rec"].model_copy(update={"parts": parts["gru4rec"].model_copy(update=terms)})
    variants = {**record.variants, "popular": alone, "gru4rec": joined}
    pairs = [(gain.variant, gain.rival) for gain in gains_of(record.model_copy(update={"variants": variants}))]
    assert ("gru4rec", "popular") in pairs
    assert ("gru4rec", "popular") not in [(gain.variant, gain.rival) for gain in gains_of(record)]


def test_what_interests_add_is_told_apart_from_what_else_differs():
    cells = [cell_record(five_seeds()), cell_record(five_seeds(), key="other")]
    found = interest_gains(cells)
    assert [gain.full.rival for gain in found] == ["sasrec", "sasrec+ipe+constant"] * 2
    assert found[0].full.relative == pytest.approx(0.5)
    assert found[0].sampled.published == pytest.approx(0.05)
    assert found[0].full.p == pytest.approx(8 * 0.01), "corrected for two rivals, two protocols and two cells"
    assert not tables.interests([])


def test_published_figures_on_other_data_stand_apart():
    table = tables.reference(experiment_record().reference)
    assert [[one.text or one.published for one in row.entries] for row in table.rows] == [
        ["table5/pixel", "`sasrec`", "0.0857", "0.1583"],
        ["table5/pixel", "`t-diffrec`", "0.0436", ""],
    ]
    assert "None of these figures is ours." in table.notes[0]


# Verdicts.


def test_the_verdict_says_what_is_known():
    one = cell_verdict(run_record())
    assert one.startswith(
        "Validation prefers `sasrec+ipe+s2idm`: NDCG@10 over all items is 0.0600 on test, +50.0% against"
    )
    assert "2 seeds are too few for a p-value" in one
    beaten = run_record().product.model_copy(update={"beaten_by": ("sasrec",)})
    one = cell_verdict(run_record().model_copy(update={"product": beaten}))
    assert one.startswith("The product is `sasrec+ipe+s2idm`: ")
    five = cell_verdict(five_seeds())
    assert "+50.0% against `sasrec` (significant, p 0.030)" in five
    assert "against `popular` (significant, p 0.040)" in five
    several = verdict(experiment_record(cells=(cell_record(five_seeds()), cell_record())))
    assert "in 2 of 2 tables, significantly in 1 of the 1" in several
    run = run_record()
    popular, sasrec = run.variants["popular"], run.variants["sasrec"]
    chosen = {"variant": "popular", "validation": popular.selection.mean, "runner_up": None, "margin": None}
    product = run.product.model_copy(update=chosen)
    behind = comparison(popular, sasrec, "full/ndcg@10", -0.03, -0.01)
    plain = cell_record(run_record(product=product, comparisons=(behind,)))
    mixed = verdict(experiment_record(cells=(cell_record(five_seeds()), plain)))
    assert "in 1 of 1 tables, significantly in 1 of the 1" in mixed
    assert mixed.endswith(" In 1 more it has neither: `popular` in 1.")
    baselines = cell_record(run_record(comparisons=()))
    assert (
        verdict(experiment_record(cells=(baselines, baselines))) == "The product in 2 tables: `sasrec+ipe+s2idm` in 2."
    )
    protocol = run_record().protocol.model_copy(update={"training_users": 0})
    assert cell_verdict(run_record(protocol=protocol)).startswith("No user trains, so nothing was validated")


# Markdown.


def test_markdown_holds_the_figures_and_marks_published_ones():
    shown = markdown(experiment_record())
    assert "| **`sasrec+ipe+s2idm`†** (product) | 2 | **0.0600 ± 0.0141** |" in shown
    assert "**0.1200 ± 0.0141** (published 0.2100)" in shown
    assert "Published figures: A paper. What differs: other data." in shown
    assert "| `sasrec+ipe+s2idm`† | `sasrec` | +0.0200 | +50.0% | +0.0100 … +0.0300 |" in shown
    assert "0.0500, 0.0700" in shown
    assert "S2IDM on CD (published)" in shown
    assert "<script>" not in re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", shown)
    assert not re.search(r"\x1b|\u202e", shown)


def columns(line):
    return len(re.findall(r"(?<!\\)\|", line))


@PROPERTY
@given(st.text(st.characters(categories=None), max_size=30))
def test_no_text_breaks_a_table(raw):
    shown = for_markdown(
        Table(raw, (Column(raw, "text"), Column("n")), (Row((TableEntry(raw), TableEntry("1"))),), (raw,))
    )
    lines = [line for line in shown.splitlines() if line.startswith("|")]
    assert [columns(line) for line in lines] in ([3, 3, 3], [2, 2, 2])
    assert not re.search(r"(?<!`)<", re.sub(r"(`+).*?\1", "", text(raw)))


def test_markup_is_escaped():
    assert text("*a* _b_ [c](d) <e> snake_case 1. 2|3") == ("\\*a\\* \\_b\\_ \\[c\\](d) &lt;e&gt; snake_case 1. 2\\|3")
    assert [text(raw) for raw in ("# a", "- a", "1. a", "-0.5")] == ["\\# a", "\\- a", "1\\. a", "-0.5"]
    assert text("`a+b` is *it*") == "`a+b` is \\*it\\*"


# Numbers.


def test_huge_gains_are_told_as_multiples():
    assert [relative_text(share) for share in (None, 0.5, 8.99, 101.4)] == ["", "+50.0%", "+899.0%", "102 times"]


def test_numbers_read_well():
    assert [p_text(p) for p in (None, 0.0004, 0.0456)] == ["", "< 0.001", "0.046"]
    assert [difference_text(value) for value in (-0.00004, -0.0456, 0.0)] == ["+0.0000", "-0.0456", "+0.0000"]
    assert [relative_text(share) for share in (None, -0.0004, -0.04, 0.0)] == ["", "+0.0%", "-4.0%", "+0.0%"]
    assert [metric_text(metric) for metric in ("full/ndcg@10", "sampled/hit@5", "sampled/auc")] == [
        "NDCG@10, all items",
        "Hit@5, sampled",
        "AUC, sampled",
    ]


@pytest.mark.parametrize(
    ("names", "text"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_a_list_reads_like_a_sentence(names, text):
    assert sentence_list(names) == text


def test_names_may_break_and_text_is_escaped():
    assert inline("`a+b<` & x") == "<code>a+<wbr>b&lt;</code> &amp; x"
    assert EVIL not in inline(EVIL)
