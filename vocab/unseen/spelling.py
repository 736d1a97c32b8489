"""Find anchors with nearly the same spelling: accents, plurals, British and American, typos, compounds."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

# (pattern, replacement), both directions; only rules that rarely match two different words.
_BRITISH_AMERICAN = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=..)our(?=(s|ed|ing|ful|ite|less)?$)", "or"),
        (r"(?<=..)or(?=(s|ed|ing|ful|ite|less)?$)", "our"),
        (r"(?<=..)is(?=(e|es|ed|ing|er|ation)$)", "iz"),
        (r"(?<=..)iz(?=(e|es|ed|ing|er|ation)$)", "is"),
        (r"(?<=..)ys(?=(e|es|ed|ing|er)$)", "yz"),
        (r"(?<=..)yz(?=(e|es|ed|ing|er)$)", "ys"),
        (r"(?<=..)ogue(?=s?$)", "og"),
        (r"(?<=..)og(?=s?$)", "ogue"),
        (r"(?<=..)ence$", "ense"),
        (r"(?<=..)ense$", "ence"),
        (r"(?<=.[tb])re(?=s?$)", "er"),
        (r"(?<=.[tb])er(?=s?$)", "re"),
        (r"ll(?=(ed|ing|er|ery)$)", "l"),
        (r"(?<=[^l])l(?=(ed|ing|er|ery)$)", "ll"),
        (r"(?<=.)ae", "e"),
        (r"^grey", "gray"),
        (r"^gray", "grey"),
    )
)
_SHORTEST_STEM = 3
# Longer words are text without spaces; their deletion forms would fill the memory.
_LONGEST_WORD = 64
# Letters that NFKD does not decompose, and ligatures that other keyboards write as two letters.
_PLAIN = str.maketrans("øłđðħ\u0131ς", "olddhi\u03c3") | str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"})


class SpellingIndex:
    """Finds the anchor with nearly the same spelling without comparing the word to every anchor.

    Args:
        anchors: most frequent first; the first match wins.
        edit_length: minimum length of a word that may differ from an anchor by one edit.
    """

    def __init__(self, anchors: Sequence[str], edit_length: int) -> None:
        self._edit_length = edit_length
        self._rank = {anchor: rank for rank, anchor in enumerate(anchors)}
        self._by_letters = {without_accents(anchor): anchor for anchor in reversed(anchors)}
        # Two words one edit apart share a form if at most one letter of each is deleted (symmetric delete).
        self._by_deletion: dict[str, list[str]] = defaultdict(list)
        for anchor in anchors:
            if edit_length - 1 <= len(anchor) <= _LONGEST_WORD:
                for form in _deletions(anchor):
                    self._by_deletion[form].append(anchor)

    def variant(self, word: str, *, is_dictionary_word: bool) -> str | None:
        """Return an anchor with nearly the same spelling, or None.

        Args:
            word: lower case.
            is_dictionary_word: whether the word exists; if so, it is no typo of another word (mouse, house).
        """
        for form in _spellings(word):
            if form != word and form in self._rank:
                return form
        accented = self._by_letters.get(without_accents(word))
        if accented is not None and accented != word:
            return accented
        return None if is_dictionary_word else self._one_edit_away(word)

    def parts(self, word: str, part_length: int) -> tuple[str, str] | None:
        """Split a compound into two anchors of similar length, or return None."""
        middle = len(word) / 2
        cuts = sorted(range(part_length, len(word) - part_length + 1), key=lambda cut: abs(cut - middle))
        for cut in cuts:
            if word[:cut] in self._rank and word[cut:] in self._rank:
                return word[:cut], word[cut:]
        return None

    def _one_edit_away(self, word: str) -> str | None:
        if not self._edit_length <= len(word) <= _LONGEST_WORD or not word.isalpha():
            return None
        candidates = {anchor for form in _deletions(word) for anchor in self._by_deletion.get(form, ())}
        near = [anchor for anchor in candidates if anchor[0] == word[0] and one_edit_apart(word, anchor)]
        return min(near, key=self._rank.__getitem__, default=None)


def without_accents(word: str) -> str:
    """Strip diacritics: pokémon becomes pokemon, łódź becomes lodz."""
    decomposed = unicodedata.normalize("NFKD", word.translate(_PLAIN))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not _is_accent(c)))


def _is_accent(character: str) -> bool:
    """Whether a mark can be dropped: an accent, an Arabic or Hebrew point.

    Indic and Thai vowels and voicing marks of Japanese are combining marks too, but they change the letter.
    """
    place = unicodedata.combining(character)
    return unicodedata.category(character) == "Mn" and (10 <= place <= 36 or place >= 200)


def one_edit_apart(first: str, second: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns one word into the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    if start is None:
        return True
    rests = first[start:], second[start:]
    if len(first) != len(second):
        shorter, longer = sorted(rests, key=len)
        return longer[1:] == shorter
    left, right = rests
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return left[1:] == right[1:] or swapped


def _spellings(word: str) -> Iterator[str]:
    """Yield other spellings of a word, most reliable first."""
    bare = word.rstrip("0123456789")
    if len(bare) >= _SHORTEST_STEM:
        yield bare
    if len(word) >= _SHORTEST_STEM:
        yield f"{word}s"
    for ending in ("s", "es"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            yield word.removesuffix(ending)
    for pattern, replacement in _BRITISH_AMERICAN:
        if pattern.search(word):
            yield pattern.sub(replacement, word)


def _deletions(word: str) -> set[str]:
    """Return the word and all forms with one letter deleted."""
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}
