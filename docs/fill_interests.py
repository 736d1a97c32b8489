"""Write docs/interests.md: `python docs/fill_interests.py RUN`, a run on the bundled films with sentence vectors."""

from __future__ import annotations

import sys
from pathlib import Path

from transfer.serving.interests import InterestIndex
from transfer.serving.opened import open_run
from transfer.serving.recommend import Recommender

PAGE = Path(__file__).resolve().parent / "interests.md"
WORDS = (
    "superhero",
    "space",
    "war",
    "dragon",
    "love",
    "zombie",
    "vampire",
    "robot",
    "music",
    "football",
    "murder",
    "pirates",
    "detective",
    "time travel",
    "dinosaur",
    "racing",
    "spy",
    "school",
    "ghost",
    "boxing",
)
TOP = 5
HEAD = """# Interests as words

`transfer recommend RUN --interests "superhero, space"` ranks items by how well they fit the words. Five things count:

- the text: cosine of the sentence vectors of the word and of the item's text;
- categories: the nearest category of the item, which counts fully if the word names it;
- anchors that word and item share;
- the kind: categories that the items that fit best have more often than others;
- what users chose together with the items that fit best.

The last two count as far as the words fit: they order items that fit and bring in none that do not.

Popularity decides between items that fit alike. Several words do not average away: the first items of each word
alternate, and an item that fits two words stands higher. The weights were chosen by eye on these films alone.
Without a sentence encoder a word must be a category, an anchor, or a word that stands for one; any other is an error.

A score compares within one answer only.

## Twenty words on the bundled films

Made by `python docs/fill_interests.py RUN` from {items:,} films that {users:,} users rated; only titles and genres are
known of them. Judge for yourself: on the left what this toolkit answers, on the right the plain cosine of sentence
vectors. If nothing fits a word well, as with pizza among these films, the answer says so.

| word | answer | plain cosine |
|---|---|---|
"""


def main(folder: str) -> None:
    """Ask for each word, write the page."""
    run = open_run(folder)
    recommender, index = Recommender(run), InterestIndex.of(run)
    rows = []
    for word in WORDS:
        ours = [item.title for item in recommender.recommend_for([word], TOP)]
        rows.append(f"| {word} | {'; '.join(ours)} | {'; '.join(index.plain(word, TOP))} |")
    head = HEAD.format(items=run.domain.n_items, users=run.domain.n_users)
    PAGE.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
