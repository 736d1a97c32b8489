from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from domains.open_domain import open_domain
from vocab.normalisers.language import SPACY_CODES, guess_language
from vocab.normalisers.normaliser import make_normaliser
from vocab.settings import NormaliserSettings, VocabularySettings
from vocab.unseen.unseen_map import UnseenMap
from vocab.vocabulary import SememeVocabulary

GERMAN = [
    "Gartenschere aus Edelstahl",
    "Handschuhe für den Garten",
    "Blumentopf mit Untersetzer",
    "Gießkanne 10 l grün",
    "Schere für Gärten und Hecken",
    "Samen der Tomate",
    "Tomaten im Glas",
    "Schlauch für die Bewässerung",
]
TITLES = {
    "german": GERMAN,
    "french": [
        "Sécateur pour le jardin",
        "Gants de jardinage",
        "Pot de fleurs avec soucoupe",
        "Arrosoir en métal vert",
        "Graines de tomates",
        "Tuyau d'arrosage",
        "Les fleurs du jardin",
        "Pelle et râteau",
    ],
    "spanish": [
        "Tijeras para el jardín",
        "Guantes de jardinería",
        "Maceta con plato",
        "Semillas de tomate",
        "Manguera de riego para las plantas",
        "Pala y rastrillo",
    ],
    "dutch": [
        "Snoeischaar voor de tuin",
        "Handschoenen voor het tuinieren",
        "Bloempot met schotel",
        "Zaden van tomaten",
        "Gieter van metaal",
        "Schep en hark",
    ],
    "italian": [
        "Forbici per il giardino",
        "Guanti da giardinaggio",
        "Vaso di fiori con sottovaso",
        "Semi di pomodoro",
        "Tubo per l'irrigazione",
        "Pala e rastrello della nonna",
    ],
    "russian": ["Секатор для сада", "Перчатки", "Горшок с блюдцем", "Семена томатов"],  # noqa: RUF001
    "swedish": ["Sekatör för trädgården", "Handskar till trädgård", "Blomkruka med fat", "Frön av tomat"],
    "english": ["Pruning shears for the garden", "Gloves", "Pokémon flower pot", "Los Angeles", "El Topo"],
}


@pytest.mark.parametrize("language", TITLES)
def test_the_language_of_titles(language: str) -> None:
    assert guess_language(TITLES[language]) == language


POLISH = ["Drewniana zabawka dla dzieci", "Książka o kotach", "Łóżko z materacem", "Żółta koszula", "Lampa na biurko"]
CZECH = [
    "Dřevěná hračka pro děti",
    "Kniha o kočkách",
    "Postel s matrací",
    "Žlutá košile",
    "Boty dámské",
    "Lampa na stůl",
]


@pytest.mark.parametrize(
    "titles", [[], [""], ["LEGO 123", "Minecraft"], ["Amélie", "Toy", "Story", "Alien"], POLISH, CZECH]
)
def test_little_evidence_is_english(titles: list[str]) -> None:
    assert guess_language(titles) == "english"


BRANDS = {
    "umlauts": "Müller & Söhne",
    "function words": "El Rey de la Casa",
    "accents": "Crème Brûlée",
    "ß": "Weißgroß",
}
ENGLISH_SHOP = [
    f"{kind} {thing}"
    for kind in ("Red", "Heavy Duty", "Compact", "Oak", "Winter", "Giant", "Quiet", "Blue")
    for thing in (
        "Trowel",
        "Rain Barrel",
        "Leaf Blower",
        "Tulip Bulbs",
        "Window Box",
        "Spade",
        "Bench",
        "Tomato Seeds",
        "Lawn Mower",
        "Charger",
    )
]
GERMAN_SHOP = [
    f"{thing} {kind}"
    for kind in ("mit Griff", "aus Holz", "für Kinder", "grün", "Eiche", "Bio", "", "Winter")
    for thing in (
        "Gießkanne",
        "Rasenmäher",
        "Säge",
        "Spaten",
        "Bank",
        "Kompost",
        "Hängematte",
        "Tomate",
        "Düngemittel",
        "Schere",
    )
]


@pytest.mark.parametrize("brand", BRANDS.values(), ids=BRANDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 1])
def test_a_foreign_brand_is_in_many_titles_and_makes_no_language(brand: str, share: float) -> None:
    branded = int(share * len(ENGLISH_SHOP))
    titles = [f"{brand} {title}" if index < branded else title for index, title in enumerate(ENGLISH_SHOP)]
    assert guess_language(titles) == guess_language(titles * 50) == "english"


@pytest.mark.parametrize("brand", ["The Garden Company", "Best of the West", "Fern & Finch"])
def test_an_english_brand_hides_no_german(brand: str) -> None:
    assert guess_language([f"{brand} {title}" for title in GERMAN_SHOP]) == "german"
    assert guess_language(GERMAN_SHOP) == "german"


def test_repeated_titles_are_no_further_evidence() -> None:
    assert guess_language(["Handschuhe für den Garten"] * 100 + ENGLISH_SHOP) == "english"


@pytest.mark.parametrize("name", ["films", "books"])
def test_the_bundled_domains_are_english(name: str) -> None:
    assert guess_language(open_domain(name).domain.titles) == "english"


@pytest.mark.parametrize("name", ["films", "books"])
def test_english_titles_have_the_anchors_that_they_have_where_english_is_asked_for(name: str) -> None:
    titles = open_domain(name).domain.titles
    guessed = SememeVocabulary.build({name: titles}, VocabularySettings())
    asked = SememeVocabulary.build({name: titles}, VocabularySettings(language="english"))
    assert guessed.words == asked.words and dict(guessed.lemma_of) == dict(asked.lemma_of)
    assert make_normaliser(NormaliserSettings(), guessed.language).__class__.__name__ == "NltkNormaliser"


def test_german_words_with_one_stem_are_one_anchor_that_is_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "transfer.vocab"):
        vocabulary = SememeVocabulary.build({"shop": GERMAN}, VocabularySettings())
    assert "German" in caplog.text and vocabulary.language == "german"
    # Garten and Gärten, Tomate and Tomaten: each once; of equally frequent words the first in the alphabet stands.
    assert vocabulary.words == ("garten", "tomate")
    assert vocabulary.encode(["Die Tomaten der Gärten", "für mit"]).matrix.toarray().tolist() == [[1, 1], [0, 0]]


def test_the_most_frequent_form_stands_for_a_stem() -> None:
    titles = ["rote Blumen", "Blumen und Erde", "die Blume"]
    vocabulary = SememeVocabulary.build({"shop": titles}, VocabularySettings(language="german", max_share=1))
    assert vocabulary.words == ("blumen",)
    later = vocabulary.extended({"more": ["Blume", "Blume", "Blume", "Erden", "Erde"]})
    assert later.words[0] == "blumen" and later.item_counts[0] == 6
    assert later.words[1:] == ("erde",)


def test_a_german_vocabulary_comes_back_from_its_file(tmp_path: Path) -> None:
    vocabulary = SememeVocabulary.build({"shop": GERMAN}, VocabularySettings())
    vocabulary.save(tmp_path / "v.json")
    again = SememeVocabulary.load(tmp_path / "v.json")
    assert again.language == "german" and again.fingerprint == vocabulary.fingerprint
    assert again.encode(["Gartens"]).matrix.toarray().tolist() == [[1, 0]]


def test_unseen_german_words_are_not_looked_up_in_wordnet(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = SememeVocabulary.build(
        {"shop": ["Kinder Buch", "Kinder Buch", "x"]}, VocabularySettings(language="german")
    )
    monkeypatch.setattr("vocab.unseen.mapping_steps.wordnet", None)
    unseen = UnseenMap.build(vocabulary, ["Kinderbuch", "Die"])
    assert {link.anchor for link in unseen.links["kinderbuch"]} == {"kinder", "buch"}


@pytest.mark.parametrize("language", sorted(set(SPACY_CODES) - {"english"}))
def test_every_language_has_stems_and_stop_words(language: str) -> None:
    normaliser = make_normaliser(NormaliserSettings(), language)
    assert len(normaliser.stop_words) > 100 and "html" in normaliser.stop_words
    assert normaliser.lemmas(["123"]) == ["123"] and normaliser.lemmas([]) == []


def test_spacy_without_a_model_stems() -> None:
    normaliser = make_normaliser(NormaliserSettings(name="spacy"), "german")
    assert normaliser.stems and normaliser.lemmas(["gärten"]) == ["gart"]  # type: ignore[attr-defined]


def test_spacy_uses_the_smallest_model_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import spacy

    loaded: list[str] = []

    class Model:
        def pipe(self, words: list[str]) -> list[list[SimpleNamespace]]:
            return [[SimpleNamespace(lemma_="Garten")] for _ in words]

    def load(name: str, exclude: list[str]) -> Model:
        loaded.append(name)
        return Model()

    monkeypatch.setattr(spacy, "load", load)
    monkeypatch.setattr(
        spacy.util, "get_installed_models", lambda: ["de_core_news_lg", "de_core_news_md", "fr_core_news_sm"]
    )
    normaliser = make_normaliser(NormaliserSettings(name="spacy"), "german")
    assert normaliser.lemmas(["gärten"]) == ["garten"] and loaded == ["de_core_news_md"]
    assert not normaliser.stems  # type: ignore[attr-defined]


def test_guessing_loads_no_stemmer() -> None:
    import subprocess

    program = "import sys; from vocab.normalisers.language import guess_language as g; g(['der Hund']);"
    program += "assert not {'nltk', 'spacy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
