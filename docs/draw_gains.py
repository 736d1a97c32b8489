"""Draw docs/results/gains.svg, the paper's gains beside ours: `python docs/draw_gains.py`.

The figures come from the tables of docs/results/table4.md, which `fill_results.py` makes: of an experiment only its
page is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

PAGE = Path(__file__).resolve().parent / "results" / "table4.md"
"""The page with the method's gains."""
METHOD = "sasrec+ipe+s2idm"
RIVALS = {
    "sasrec": "SASRec",
    "sasrec+ipe+constant": "constant prompts",
    "sasrec+ipe+shuffled": "another user's interests",
}
"""What the method is compared with, as the figure calls it."""
METRICS = ("NDCG@10, sampled", "NDCG@10, all items")
NUMBER = re.compile(r"[-+]?\d+\.\d+")


@dataclass(frozen=True)
class Gain:
    """The method's gain over one rival, in per cent of the rival.

    Attributes:
        transfer: source and target.
        rival: name of the variant that the method is compared with.
        metric: one of `METRICS`.
        middle: the gain.
        low: lower end of the 95 % interval over users and seeds.
        high: upper end of the interval.
        published: the paper's gain; None where it has none.
    """

    transfer: str
    rival: str
    metric: str
    middle: float
    low: float
    high: float
    published: float | None


def rows(section: str, title: str) -> list[dict[str, str]]:
    """Return the table below a bold title, a dictionary a row, without bold, italics and marks of notes."""
    lines = re.sub("[*`†]", "", section.partition(f"**{title}**\n\n")[2].split("\n\n")[0]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def gains(page: str) -> list[Gain]:
    """Return the method's gains over its rivals in a page of results, in the page's order."""
    found = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        figures = {row["variant"].split(" ")[0]: row for row in rows(section, "Figures on test")}
        for metric in METRICS:
            for row in rows(section, f"{metric}: differences on test"):
                if row["variant"] != METHOD or row["over"] not in RIVALS:
                    continue
                base = float(figures[row["over"]][metric].split(" ")[0])
                low, high = (100 * float(end) / base for end in row["95 % interval"].split(" … "))
                published = NUMBER.search(row.get("published", ""))
                found.append(
                    Gain(
                        transfer=section.split("\n", 1)[0],
                        rival=row["over"],
                        metric=metric,
                        middle=100 * float(row["difference"]) / base,
                        low=low,
                        high=high,
                        published=float(published[0]) if published else None,
                    )
                )
    return found


def draw(found: Sequence[Gain]) -> Figure:
    """Draw a panel a metric and a row a rival, transfers below each other."""
    transfers = list(dict.fromkeys(gain.transfer for gain in found))
    places = {
        (transfer, rival): -(len(RIVALS) + 1) * at - row
        for at, transfer in enumerate(transfers)
        for row, rival in enumerate(RIVALS)
    }
    figure = Figure(figsize=(9, 0.6 + 1.1 * len(transfers)), layout="constrained")
    panels = figure.subplots(1, len(METRICS), sharey=True, sharex=True)
    for panel, metric in zip(panels, METRICS, strict=True):
        panel.axvline(0, color="0.7", lw=0.8)
        for gain in found:
            if gain.metric != metric:
                continue
            place = places[gain.transfer, gain.rival]
            certain = gain.low > 0 or gain.high < 0
            colour = "0.55" if not certain else "C2" if gain.middle > 0 else "C3"
            panel.plot([gain.low, gain.high], [place, place], color=colour, lw=2, solid_capstyle="butt")
            panel.plot([gain.middle], [place], "o", color=colour, ms=5)
            if gain.published is not None:
                panel.plot([gain.published], [place], "D", mfc="none", mec="black", ms=6)
        panel.set_title(metric)
        panel.set_xlabel("gain of SeeDRec in per cent")
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    panels[0].set_yticks(
        list(places.values()), [f"{transfer}, over {RIVALS[rival]}" for transfer, rival in places], fontsize=8.5
    )
    panels[0].plot([], [], "D", mfc="none", mec="black", ms=6, ls="none", label="published")
    panels[0].plot([], [], "o-", color="0.3", ms=5, lw=2, label="ours")
    panels[0].plot([], [], "o-", color="0.55", ms=5, lw=2, label="ours, the interval holds zero")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def main() -> None:
    """Draw the page."""
    found = gains(PAGE.read_text(encoding="utf-8"))
    with mpl.rc_context({"svg.hashsalt": "gains", "text.parse_math": False}):
        draw(found).savefig(PAGE.with_name("gains.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
