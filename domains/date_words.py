"""Rewrite dates in the words of several languages, and with names of time zones, as English dates with numbers."""

from __future__ import annotations

import polars as pl

from domains.word_lists import words

MONTHS = tuple(
    words(line)
    for line in """
jan january januar jänner janvier janv enero ene gennaio gen janeiro januari styczen stycznia
feb february februar feber février fevrier févr fevr fév febrero febbraio fevereiro fev februari lutego
mar march märz maerz mrz mär mars marzo março marco maart mrt marca
apr april avril avr abril abr aprile kwietnia
may mai mayo maggio mag maio mei maj maja
jun june juni juin junio giugno giu junho czerwca
jul july juli juillet juil julio luglio lug julho lipca
aug august août aout agosto ago augustus augusti sierpnia
sep sept september septembre septiembre settembre set setembro wrzesnia września
oct october oktober okt octobre octubre ottobre ott outubro out pazdziernika października
nov november novembre noviembre novembro listopada
dec december dezember dez décembre decembre déc diciembre dic dicembre dezembro grudnia
""".strip().splitlines()
)
"""For each month its names and short forms in English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish and
Polish; the first is written in their place."""
FILLERS = words(
    """
    uhr à às de del den der om kl um the of at alle ore klokken klockan godz o
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so
    lundi mardi mercredi jeudi vendredi samedi dimanche lun mer jeu ven sam dim
    lunes martes miércoles miercoles jueves viernes sábado sabado domingo mié jue vie sáb sab dom
    lunedì lunedi martedì martedi mercoledì mercoledi giovedì giovedi venerdì venerdi sabato domenica gio
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
    """
)
ZONES = {
    "+0000": "utc|gmt|z|wet",
    "+0100": "cet|mez|bst|west",
    "+0200": "cest|mesz|eet",
    "+0300": "eest|msk",
    "-0400": "edt",
    "-0500": "est|cdt",
    "-0600": "cst|mdt",
    "-0700": "mst|pdt",
    "-0800": "pst",
    "+0900": "jst|kst",
}
"""Offsets and the names of time zones with only one usual meaning."""


def in_english(text: pl.Series) -> pl.Series:
    """Rewrite dates: English months, no weekdays and words between, numbers for time zones, colons in the clock.

    Args:
        text: (N,) String.
    """
    plain = text.str.to_lowercase().str.strip_chars(" '")
    plain = plain.str.replace(r"\s*[(\[][^)\]]*[)\]]$", "")
    for names in MONTHS:
        plain = plain.str.replace(rf"\b(?:{'|'.join(names)})\b\.?", names[0])
    plain = plain.str.replace_all(rf"\b(?:{'|'.join(FILLERS)})\b[.,]?", " ")
    plain = plain.str.replace(r"\b(\d{1,2})(?:st|nd|rd|th|er|[ºª°])(?:\s|$)", "$1 ")
    plain = plain.str.replace(r"\b(\d{1,2})\.\s*(\pL)", "$1 $2")
    plain = plain.str.replace(r"\b(\d{1,2})\s?h\s?(\d{2})\b", "$1:$2")
    plain = plain.str.replace(r"(\d)_(\d)", "$1 $2")
    plain = plain.str.replace(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]", "$1-$2-$3 ")
    # As databases write them: 2021-03-05-14.07.09 (Db2), 05-MAR-21 02.07.09.000000 PM (Oracle).
    plain = plain.str.replace(r"^(\d{4}-\d{2}-\d{2})-(\d{2}\.)", "$1 $2")
    plain = plain.str.replace(r"\s(\d{1,2})\.(\d{2})\.(\d{2})(\.\d+|\s[ap]m)", " $1:$2:$3$4")
    plain = plain.str.replace(r"\s(\d{1,2})[.\-](\d{2})(?:[.\-](\d{2}))?$", " $1:$2:$3").str.strip_chars_end(":")
    plain = plain.str.replace(r"\s*\b(?:utc|gmt)([+-]\d)", "$1")
    for offset, zones in ZONES.items():
        plain = plain.str.replace(rf"(\d)\s*\b(?:{zones})$", f"$1{offset}")
    return plain.str.replace_all(r"\s+,?\s*", " ").str.strip_chars(" ,")
