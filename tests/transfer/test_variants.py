"""Names of variants: what they mean, what they start from, what they are compared with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal
from transfer_cases import PROPERTY

from transfer.runs.checks import compared_labels, is_baseline
from transfer.variants import MATCHING, TERMS, Variant, parse_variant


@pytest.mark.parametrize(
    ("name", "encoder", "channels", "entry", "interests", "source"),
    [
        ("sasrec", "sasrec", ("id",), "none", None, False),
        ("gru4rec", "gru4rec", ("id",), "none", None, False),
        ("sasrec+ipe", "sasrec", ("id",), "prompts", "s2idm", False),
        ("sasrec+ipe+s2idm", "sasrec", ("id",), "prompts", "s2idm", False),
        ("sasrec+ipe+constant", "sasrec", ("id",), "prompts", "constant", False),
        ("sasrec+ipe+raw", "sasrec", ("id",), "prompts", "raw", False),
        ("sasrec+shuffled+ipe", "sasrec", ("id",), "prompts", "shuffled", False),
        ("sasrec+s2idm", "sasrec", ("id",), "fusion", "s2idm", False),
        ("sasrec+positions", "sasrec", ("id",), "positions", "s2idm", False),
        ("sasrec+positions+constant", "sasrec", ("id",), "positions", "constant", False),
        ("sasrec+anchors", "sasrec", ("id", "anchors"), "none", None, False),
        ("sasrec+no-id+title-semantic+anchors", "sasrec", ("title-semantic", "anchors"), "none", None, False),
        ("sasrec+source+no-id+anchors+ipe+raw", "sasrec", ("anchors",), "prompts", "raw", True),
        ("sasrec+id", "sasrec", ("id",), "none", None, False),
    ],
)
def test_meaning(name, encoder, channels, entry, interests, source):
    variant = parse_variant(name)
    assert variant.architecture == encoder
    assert set(variant.channels) == set(channels)
    assert (variant.entry, variant.interests, variant.from_source) == (entry, interests, source)
    assert parse_variant(variant.label) == variant


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("sasrec+ipe", "sasrec+ipe+s2idm"),
        ("sasrec+shuffled+ipe", "sasrec+ipe+shuffled"),
        ("sasrec+matching+title-semantic", "sasrec+title-semantic+matching"),
        ("sasrec+source+no-id+anchors", "sasrec+anchors+no-id+source"),
        ("sasrec+id", "sasrec"),
        ("sasrec+matching+transitions+taste+together+repeats+recent", "sasrec+terms"),
        ("sasrec+repeats+together", "sasrec+together+repeats"),
        ("sasrec+transitions+matching", "sasrec+matching+transitions"),
        ("matching", "matching"),
        ("terms", "terms"),
    ],
)
def test_labels_are_in_one_order(written, label):
    assert parse_variant(written).label == label


def test_late_terms_have_single_names_and_names_of_groups():
    assert parse_variant("sasrec+matching").terms == ("titles", "anchors", "popularity") == MATCHING
    assert parse_variant("sasrec+terms").terms == parse_variant("terms").terms == TERMS
    assert parse_variant("sasrec+repeats").terms == ("repeats",)
    assert parse_variant("matching") == Variant(architecture="matching", channels=("id",), terms=MATCHING)


def test_controls_are_values():
    variant = parse_variant("sasrec+title-semantic+ipe+s2idm+matching")
    assert variant.control("constant") == parse_variant("sasrec+title-semantic+ipe+constant+matching")
    assert parse_variant("sasrec+s2idm").control("constant") == parse_variant("sasrec+ipe+constant")
    assert variant.without_terms == parse_variant("sasrec+title-semantic+ipe+s2idm")


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("sasrec+ipw", "'ipw'"),
        ("sasrec+ipe+ipe", "ipe"),
        ("sasrec+source+source", "'source'"),
        ("sasrec+late", "'late'"),
        ("sasrec+ipe+positions+raw", "positions"),
        ("sasrec+raw+s2idm", "two kinds"),
        ("sasrec+", "''"),
        ("sasrec+no-id", "channel"),
        ("+ipe", "system"),
        ("", "system"),
        ("sasrec+constant", "+ipe+constant"),
    ],
)
def test_nonsense_is_explained(name, about):
    with refusal("variant", "variants", about=about):
        parse_variant(name)


def test_the_recipes_channels_come_first():
    variant = parse_variant("sasrec+categories", ("id", "title-semantic"))
    assert variant.channels == ("id", "title-semantic", "categories")
    assert parse_variant("sasrec+no-id", ("id", "title-semantic")).channels == ("title-semantic",)


def compared(names):
    return compared_labels([parse_variant(name) for name in names])


names = st.tuples(
    st.sampled_from(["sasrec", "gru4rec"]),
    st.sets(st.sampled_from(["anchors", "anchors-semantic", "title-semantic", "categories"])),
    st.booleans(),
    st.sampled_from([(), ("ipe",), ("ipe", "constant"), ("ipe", "raw"), ("s2idm",), ("ipe", "shuffled")]),
    st.sampled_from([("id",), ("id", "title-semantic"), ("anchors",)]),
)


@PROPERTY
@given(names)
def test_the_base_is_the_same_model_without_interests(drawn):
    encoder, channels, source, interests, default = drawn
    name = "+".join([encoder, *sorted(channels), *(["source"] if source else []), *interests])
    variant = parse_variant(name, default)
    base = variant.base
    assert (base.architecture, base.channels, base.from_source) == (encoder, variant.channels, source)
    assert (base.entry, base.interests) == ("none", None)
    assert not set(base.label.split("+")) & {"ipe", "constant", "raw", "s2idm", "shuffled"}
    assert base.base == base


def test_claims_stand_beside_their_controls():
    names = [
        "popular",
        "sasrec",
        "sasrec+ipe+constant",
        "sasrec+ipe+shuffled",
        "sasrec+ipe+s2idm",
        "sasrec+anchors",
        "sasrec+anchors+ipe+s2idm",
    ]
    pairs = compared(names)
    assert {baseline for variant, baseline in pairs if variant == "sasrec+ipe+s2idm"} == {
        "popular",
        "sasrec",
        "sasrec+ipe+constant",
        "sasrec+ipe+shuffled",
    }
    assert {baseline for variant, baseline in pairs if variant == "sasrec+anchors+ipe+s2idm"} == {
        "popular",
        "sasrec",
        "sasrec+anchors",
    }
    assert len(pairs) == len(set(pairs))
    assert all((baseline, variant) not in pairs and variant != baseline for variant, baseline in pairs)
    assert all(not is_baseline(parse_variant(variant)) for variant, _ in pairs)


def test_what_diffusion_adds_is_held_against_interests_without_it():
    pairs = compared(["sasrec", "sasrec+ipe+raw", "sasrec+ipe+s2idm", "sasrec+s2idm", "sasrec+raw"])
    assert {("sasrec+ipe+s2idm", "sasrec+ipe+raw"), ("sasrec+s2idm", "sasrec+raw")} <= set(pairs)
    assert ("sasrec+ipe+raw", "sasrec+ipe+s2idm") not in pairs


def test_every_way_in_has_controls_of_its_own():
    way = "positions"
    names = [
        "sasrec",
        *(f"sasrec+{one}+{kind}" for one in ("ipe", way) for kind in ("constant", "raw", "s2idm")),
    ]
    pairs = compared(names)
    assert {rival for variant, rival in pairs if variant == f"sasrec+{way}+s2idm"} == {
        "sasrec",
        f"sasrec+{way}+constant",
        f"sasrec+{way}+raw",
    }
    assert parse_variant(f"sasrec+{way}+s2idm").base.label == "sasrec"


def test_fused_interests_are_held_against_another_users_and_against_constant_prompts():
    pairs = compared(["sasrec", "sasrec+ipe+constant", "sasrec+shuffled", "sasrec+s2idm"])
    assert {rival for variant, rival in pairs if variant == "sasrec+s2idm"} == {
        "sasrec",
        "sasrec+ipe+constant",
        "sasrec+shuffled",
    }


def test_channels_of_the_recipe_do_not_matter_to_comparisons():
    default = ("id", "title-semantic")
    variants = [parse_variant(name, default) for name in ("sasrec", "sasrec+no-id")]
    assert compared_labels(variants) == [("sasrec+no-id", "sasrec")]


def test_a_baseline_with_late_terms_is_held_against_itself_without():
    variants = [parse_variant(name) for name in ("recent", "terms", "recent+terms", "sasrec")]
    assert ("recent+terms", "recent") in compared_labels(variants)
    assert [pair for pair in compared_labels(variants) if pair[0] == "terms"] == []


def test_matching_is_held_against_the_same_without_and_against_controls_that_have_it():
    names = [
        "matching",
        "sasrec",
        "sasrec+matching",
        "sasrec+ipe+constant",
        "sasrec+ipe+constant+matching",
        "sasrec+ipe+s2idm",
        "sasrec+ipe+s2idm+matching",
    ]
    pairs = compared(names)
    assert {baseline for variant, baseline in pairs if variant == "sasrec+ipe+s2idm+matching"} == {
        "matching",
        "sasrec",
        "sasrec+ipe+s2idm",
        "sasrec+matching",
        "sasrec+ipe+constant+matching",
    }
    assert {baseline for variant, baseline in pairs if variant == "sasrec+matching"} == {"matching", "sasrec"}
