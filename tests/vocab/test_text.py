from __future__ import annotations

import pyarrow as pa
import pytest
from refusals import refusal

from vocab.encoder.settings import parse_template
from vocab.item_texts import check_fields, fill_template, item_texts
from vocab.normalisers.normaliser import Normaliser, available_normalisers, make_normaliser
from vocab.sememes import tabulate
from vocab.settings import NormaliserSettings
from vocab.text import as_strings, cleaned


def surfaces(titles: list[str], **settings: object) -> list[list[str]]:
    rules = NormaliserSettings.model_validate(settings)
    table = tabulate(as_strings(titles), make_normaliser(rules), rules)
    words = table.surfaces.to_pylist()
    return [
        [words[i] for i, row in zip(table.ids, table.rows, strict=True) if row == title] for title in range(len(titles))
    ]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Toy Soldiers: War Chest", ["toy", "soldiers", "war", "chest"]),
        ("Women's Murder Club", ["women", "murder", "club"]),
        ("Don't Look Now", ["look"]),
        ("Spider-Man 2 (2004)", ["spider", "man"]),
        ("The 3rd Man, 1980s edition", ["man", "edition"]),
        ("Tom &amp; Jerry &quot;Classics&quot;", ["tom", "jerry", "classics"]),
        ("<b>Bold</b> <span class='x'>Move</span>", ["bold", "move"]),
        ("Salt&notes", ["salt", "notes"]),
        ("The <Untitled> Album", ["untitled", "album"]),
        ("I <3 New York", ["new", "york"]),
        ("\uff26\uff35\uff2c\uff2c\u3000\uff57ide", ["full", "wide"]),
        ("Fantômas - À l'ombre", ["fantômas", "ombre"]),
        ("Война и мир", ["война", "мир"]),
        ("हिन्दी फ़िल्म", ["हिन्दी", "फ़िल्म"]),
        ("千と千尋", ["千と千尋"]),
        ("愛", ["愛"]),
        ("Fuß\u00adball Hand&shy;ball", ["fußball", "handball"]),
        ("I love\u2764\ufe0fStory", ["love", "story"]),
        ("葛\U000e0100城", ["葛城"]),
        ("محـــمد", ["محمد"]),
        ("LEGO® Star Wars™: Game℠", ["lego", "star", "wars", "game"]),
        ("ශ්\u200dරී", ["ශ්රී"]),
        ("Nintendo 3DS PS3", ["nintendo", "3ds", "ps3"]),
        ("", []),
        ("1984", []),
        ("!!! ???", []),
    ],
)
def test_words_of_a_title(title: str, expected: list[str]) -> None:
    import unicodedata

    assert surfaces([title]) == [[unicodedata.normalize("NFKC", word) for word in expected]]


def test_quantities_and_sizes_are_dropped_unless_they_are_kept() -> None:
    sizes = ["30m", "75kg", "500ml", "10x15cm", "100x200", "250er", "xxl", "3xl", "1080p", "12pcs"]
    words = ["3ds", "ps3", "mp3", "xbox", "km2000", "xlarge"]
    assert surfaces([" ".join([*sizes, *words])]) == [words]
    assert surfaces([" ".join([*sizes, *words])], drop_sizes=False) == [[*sizes, *words]]
    assert surfaces(["10x hose 2er XL"], min_length=1) == [["hose"]]


def test_settings_change_what_is_dropped() -> None:
    assert surfaces(["The 9 of us in 1984"], min_length=1, drop_numbers=False, stop_words="none") == [
        ["the", "9", "of", "us", "in", "1984"]
    ]
    assert surfaces(["toy story deluxe"], extra_stop_words=["deluxe"]) == [["toy", "story"]]
    assert surfaces(["up toy"], min_length=4) == [[]]


@pytest.mark.parametrize("name", ["nltk", "spacy"])
def test_stop_words_may_be_written_as_in_titles(name: str) -> None:
    words = ["Deluxe", "POKE\u0301MON", "Spider-Man"]
    titles = ["Pokémon toy deluxe", "DELUXE Spider story"]
    assert surfaces(titles, extra_stop_words=words, name=name) == [["toy"], ["spider", "story"]]


def test_tokens_stay_with_their_titles() -> None:
    assert surfaces(["", "toy story", "the", "story toy toy"]) == [[], ["toy", "story"], [], ["story", "toy", "toy"]]


def test_a_missing_title_is_an_empty_one() -> None:
    assert as_strings(pa.array(["a", None])).to_pylist() == ["a", ""]
    assert as_strings(pa.chunked_array([["a"], ["b"]])).to_pylist() == ["a", "b"]
    with refusal("titles", "titles"):
        as_strings([1.5, object()])  # type: ignore[list-item]
    with refusal("titles", "titles"):
        as_strings(["half a surrogate \ud800"])


def test_cleaning_a_sliced_array() -> None:
    assert cleaned(as_strings(pa.array(["x", "A&amp;B", "C"])[1:])).to_pylist() == ["a&b", "c"]


def test_categories_become_one_word_each() -> None:
    categories = pa.array([["Sci-Fi", "Video Games "], [], None, ["Drama"]], pa.large_list(pa.large_string()))
    titles = ["Alien", "Toy", "Car", "Rain"]
    fields = {"title": titles, "categories": categories}
    assert item_texts(fields, ["categories"]).to_pylist() == ["sci_fi video_games", "", "", "drama"]
    assert item_texts(fields, ["title", "categories"]).to_pylist() == [
        "Alien sci_fi video_games",
        "Toy",
        "Car",
        "Rain drama",
    ]
    assert item_texts({"title": titles}, ["title", "categories"]).to_pylist() == titles
    with refusal("fields", "vocabulary.fields") as error:
        item_texts({"title": titles}, ["categories"])
    assert error.value.location == "vocabulary.fields"


def test_a_name_is_one_word_and_prose_is_many() -> None:
    fields = {
        "title": ["Emma", "Hose"],
        "authors": pa.array([["Jane Austen", "J.K. Rowling"], []], pa.large_list(pa.large_string())),
        "description": pa.array([["A <b>young</b> woman", "of means"], ["A long hose"]], pa.large_list(pa.string())),
        "notes": pa.array([["a name of far more words than any name ever has"], ["Black & Decker"]]),
    }
    assert item_texts(fields, ["title", "authors"]).to_pylist() == ["Emma jane_austen j_k_rowling", "Hose"]
    assert item_texts(fields, ["description"]).to_pylist() == ["A <b>young</b> woman of means", "A long hose"]
    assert item_texts(fields, ["notes"]).to_pylist() == [
        "a name of far more words than any name ever has",
        "black_decker",
    ]


def test_a_field_that_no_domain_has_is_named_with_the_nearest_one() -> None:
    check_fields(["title", "brand", "shelves"], {"title", "shelves"})
    with refusal("fields", "vocabulary.fields", about="'shelfs'") as error:
        check_fields(["title", "shelfs"], {"title", "shelves"})
    assert "shelves" in str(error.value.hint)


def test_a_template_drops_what_is_empty() -> None:
    lists = pa.large_list(pa.large_string())
    fields = {
        "title": ["Emma", "Hose", "", "Alien", ""],
        "authors": pa.array([["Jane Austen"], [], ["Anonymous"], None, []], lists),
        "brand": pa.array([["Penguin"], ["Gardena"], [], [], []], lists),
        "categories": pa.array([[], ["Watering", "Garden"], ["Poems"], ["Horror"], []], lists),
    }
    filled = fill_template("{title} by {authors|brand}. {categories}", fields, 100)
    assert filled.to_pylist() == [
        "Emma by Jane Austen",
        "Hose by Gardena. Watering, Garden",
        "Anonymous. Poems",
        "Alien. Horror",
        "",
    ]
    assert fill_template("{title}", fields, 100).to_pylist() == fields["title"]
    assert fill_template("A {title}!", fields, 100).to_pylist() == ["A Emma!", "A Hose!", "", "A Alien!", ""]
    assert fill_template("{title} ({colour})", fields, 3).to_pylist() == ["Emm", "Hos", "", "Ali", ""]


def test_a_template_cuts_values_that_never_end() -> None:
    fields = {"title": ["Hose"], "description": pa.array([["long " * 20_000]])}
    assert fill_template("{title}: {description}", fields, 20).to_pylist() == ["Hose: long long long"[:20]]


@pytest.mark.parametrize("template", ["", "no field", "{title", "{}", "{title!r}", "{title|}"])
def test_a_template_that_cannot_be_filled_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_template(template)


def test_categories_of_a_sliced_array() -> None:
    categories = pa.array([["A"], ["B", "C"], ["D"]], pa.large_list(pa.large_string()))[1:]
    fields = {"title": ["x", "y"], "categories": categories}
    assert item_texts(fields, ["categories"]).to_pylist() == ["b c", "d"]


def test_spacy_cuts_by_its_own_rules() -> None:
    words = surfaces(["Don't buy the Women's toys, 2.4GHz!"], name="spacy")[0]
    assert "toys" in words and "buy" in words and "women" in words
    assert not {"the", "'s", ",", "!", "toys,"} & set(words)


def test_an_unknown_normaliser_is_named_with_the_known_ones() -> None:
    with refusal("normaliser", "vocabulary.normaliser.name", about="'nltkk'"):
        make_normaliser(NormaliserSettings(name="nltkk"))


def test_a_third_party_normaliser_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting:
        name = "shouting"
        stop_words = frozenset({"THE"})

        def __init__(self, settings: NormaliserSettings) -> None:
            pass

        def tokens(self, titles: pa.Array) -> pa.Array:
            return pa.array([t.upper().split() for t in titles.to_pylist()], pa.large_list(pa.large_string()))

        def lemmas(self, surfaces: list[str]) -> list[str]:
            return list(surfaces)

    class Point:
        name = "shouting"

        def load(self) -> type[Normaliser]:
            return Shouting  # type: ignore[return-value]

    monkeypatch.setattr(
        "vocab.normalisers.normaliser.entry_points",
        lambda group, **name: [Point()] if group == "transfer.normalisers" else [],
    )
    assert surfaces(["the toy"], name="shouting") == [["TOY"]]
    assert available_normalisers() == ("nltk", "shouting", "spacy")


def test_spacy_leaves_no_punctuation_at_the_edges() -> None:
    words = surfaces(['"Quoted" (toy) /slim/ +plus ★star★ in-1'], name="spacy")[0]
    assert {"quoted", "toy", "slim", "plus", "star"} <= set(words)
