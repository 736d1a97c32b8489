"""Items by title or id, as people type them."""

from __future__ import annotations

import pytest
from transfer_cases import small_domain

from domains.domain import TimeKind
from domains.errors import InputError
from transfer.serving.recommend import History
from transfer.serving.title_index import TitleIndex

TITLES = ["Alien (1979)", "Aliens (1986)", "Starbucks", "Starbucks", "", "1984"]
IDS = ["a", "b", "s1", "s2", "nameless", "1979"]
COUNTS = [5, 9, 1, 4, 0, 2]
INDEX = TitleIndex(TITLES, IDS, COUNTS)


@pytest.mark.parametrize(
    ("typed", "item", "noted"),
    [
        ("ALIEN (1979)", 0, False),
        ("alien", 0, True),
        ("ali", 1, True),
        ("Starbucks", 3, True),
        ("s1", 2, False),
        ("nameless", 4, False),
        ("1984", 5, False),
        ("1979", 5, False),
        ("01979.0", 5, True),
    ],
)
def test_the_exact_title_wins_then_the_id_the_title_without_its_year_and_the_most_popular_that_begins_so(
    typed, item, noted
):
    found, note = INDEX.taken(typed)
    assert found == item
    assert bool(note) == noted
    if noted:
        assert f"[{IDS[item]}]" in note


def test_titles_are_apart_by_semicolons_or_by_commas_where_all_parts_are_known():
    index = TitleIndex(
        [*TITLES, "Cruel, Cruel Love", "Cruel", "Cruel Love"], [*IDS, "c1", "c2", "c3"], [*COUNTS, 1, 1, 1]
    )
    assert index.split("Alien, s1") == ["Alien", "s1"]
    assert index.split("Alien; s1, 1984") == ["Alien", "s1, 1984"]
    assert index.split("Cruel, Cruel Love") == ["Cruel, Cruel Love"]
    assert index.split("Alien, Nonsense") == ["Alien, Nonsense"]


def test_all_wrong_titles_are_in_one_message():
    with pytest.raises(InputError) as raised:
        INDEX.find_all(["Alien", "Alein", "Starbukcs", "???"])
    assert raised.value.code == "unknown-title"
    for wrong in ("Alein", "Starbukcs", "???"):
        assert repr(wrong) in raised.value.problem


def test_a_text_with_semicolons_is_named_whole_only_where_titles_hold_some():
    for titles, told in ((TITLES, False), ([*TITLES, "Now; then"], True)):
        with pytest.raises(InputError) as raised:
            History.of_text(small_domain([[0], [1]], titles=titles, n_items=len(titles)), "Alien; Alein")
        assert ("Alien; Alein" in raised.value.problem) is told


def test_items_are_named_with_their_id_where_a_title_alone_does_not_tell():
    assert INDEX.label(0) == "Alien (1979)"
    assert INDEX.label(2) == "Starbucks [s1]"
    assert INDEX.label(4) == "(no title: nameless)"


def test_a_search_finds_the_most_popular_first():
    assert INDEX.search("STAR bucks") == [3, 2]
    assert INDEX.search("nameless") == [4]
    assert INDEX.search("")[:2] == [1, 0]


def test_a_history_notes_which_item_was_taken():
    domain = small_domain([[0, 1], [1]], titles=["twin", "twin"])
    history = History.of_text(domain, "twin; i0")
    assert history.domain.items.tolist() == [1, 0]
    assert len(history.notes) == 1


def test_typed_items_are_left_out_where_people_buy_again_but_a_user_gets_them():
    domain = small_domain([[0, 1], [1]], titles=["tea", "milk"], repeats=True, kind=TimeKind.ORDER)
    typed, user = History.of_text(domain, "tea"), History.of_user(domain, "u0")
    assert (typed.leaves_out_repeats, typed.targets.excludes_seen) == (True, True)
    assert (user.leaves_out_repeats, user.targets.excludes_seen) == (False, False)
    assert History.joined([typed, typed]).typed
    with pytest.raises(ValueError, match="typed"):
        History.joined([typed, user])
