"""English stop words. NLTK's list would need a download."""

from __future__ import annotations

_ARTICLES_AND_DETERMINERS = """
a an the this that these those each every either neither some any all both half no none few fewer less least
more most much many several such same other another what which whose whatever whichever
"""
_PRONOUNS = """
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
hers herself it its itself they them their theirs themselves who whom whoever someone somebody something
anyone anybody anything everyone everybody everything nobody nothing one ones
"""
_PREPOSITIONS = """
about above across after against along among amongst around as at before behind below beneath beside besides
between beyond by despite down during except for from in inside into like near of off on onto out outside over
past per since than through throughout till to toward towards under underneath until unto up upon versus via
vs with within without
"""
_CONJUNCTIONS = """
and but or nor so yet if because although though unless while whereas whether when whenever where wherever why
how however then else thus therefore hence
"""
_AUXILIARIES = """
am is are was were be been being do does did doing done have has had having can could may might must shall
should will would ought let get gets got
"""
_ADVERBS = """
again also already always just ever even else here there now only once quite rather really still too very not
never almost maybe perhaps
"""
# Parts of contractions, because an apostrophe separates words: don't, we'll, you're, isn't.
_CONTRACTIONS = """
don doesn didn isn aren wasn weren hasn haven hadn couldn wouldn shouldn mustn needn won ain ll ve re cannot
"""
MARKUP = frozenset(["amp", "quot", "nbsp", "http", "https", "www", "com", "html", "etc"])
"""Leftovers of web pages in titles of any language."""

ENGLISH: frozenset[str] = (
    frozenset(
        " ".join(
            (
                _ARTICLES_AND_DETERMINERS,
                _PRONOUNS,
                _PREPOSITIONS,
                _CONJUNCTIONS,
                _AUXILIARIES,
                _ADVERBS,
                _CONTRACTIONS,
            )
        ).split()
    )
    | MARKUP
)
"""Lower-case English function words, contraction stumps and markup."""
