"""Made-up records for the tests of records, tables and pages."""

from __future__ import annotations

from typing import Any

from transfer.report.experiment_record import (
    AnchorPoint,
    Breakdowns,
    Case,
    CellRecord,
    Cost,
    CostRow,
    Curve,
    ExperimentRecord,
    Group,
    GroupGain,
    Made,
    OverlapRecord,
    PublishedCost,
    PublishedCostRow,
    PublishedFigures,
    Threshold,
    UnfinishedRecord,
)
from transfer.report.run_record import (
    Beyond,
    Comparison,
    KeptEpochs,
    RunRecord,
    Spread,
    TwoWay,
    VariantParts,
    VariantRecord,
)

EVIL = "<script>alert('x')</script> & \"co\" | pipe \x1b[31m \u202e `tick`"
"""A title that would break tables, pages and terminals."""
SHOWN = "<script>alert('x')</script> & \"co\" | pipe \\x1b[31m \\u202e tick"
"""The same as a reader sees it."""
PARTS = {
    "popular": VariantParts(architecture="popular"),
    "sasrec": VariantParts(architecture="sasrec", channels=("id",)),
    "sasrec+ipe+s2idm": VariantParts(architecture="sasrec", channels=("id",), entry="prompts", interests="s2idm"),
    "sasrec+ipe+constant": VariantParts(architecture="sasrec", channels=("id",), entry="prompts", interests="constant"),
    "gru4rec": VariantParts(architecture="gru4rec", channels=("id",)),
}


def variant(
    name: str, full: tuple[float, ...], sampled: tuple[float, ...], auc: tuple[float, ...], **more: Any
) -> VariantRecord:
    """Make a variant with the same figures on validation and test."""
    stage = {
        "full": {"ndcg@10": Spread.of(full), "hit@10": Spread.of(full)},
        "sampled": {"ndcg@10": Spread.of(sampled), "hit@10": Spread.of(sampled), "auc": Spread.of(auc)},
    }
    settings = {"parts": PARTS[name], "beyond": Beyond(coverage=0.5, popularity_rank=0.25), **more}
    return VariantRecord(label=name, validation=stage, test=stage, selection=Spread.of(full), **settings)


def comparison(
    ours: VariantRecord, theirs: VariantRecord, metric: str, low: float, high: float, **more: Any
) -> Comparison:
    """Compare two variants as their figures say."""
    figures = [one.figure("test", metric) for one in (ours, theirs)]
    means = [figure.mean for figure in figures if figure is not None]
    difference = means[0] - means[1]
    settings = {"p_users": 0.01, "p_seeds": None, "seeds": 2, **more}
    return Comparison(
        variant=ours.label,
        baseline=theirs.label,
        stage="test",
        metric=metric,
        difference=difference,
        relative=difference / means[1],
        low=low,
        high=high,
        **settings,
    )


def run_record(**changed: Any) -> RunRecord:
    """Make a run of four variants and two seeds, one of them with a single seed."""
    variants = {
        "popular": variant("popular", (0.02,), (0.05,), (0.6,), beyond=Beyond(coverage=0.001, popularity_rank=0.0001)),
        "sasrec": variant("sasrec", (0.03, 0.05), (0.10, 0.12), (0.7, 0.7)),
        "sasrec+ipe+s2idm": variant(
            "sasrec+ipe+s2idm",
            (0.05, 0.07),
            (0.11, 0.13),
            (0.8, 0.8),
            base="sasrec",
            kept_epochs=(KeptEpochs(base=3, variant=2), KeptEpochs(base=5, variant=0)),
        ),
        "gru4rec": variant("gru4rec", (0.01,), (0.02,), (0.5,)),
    }
    ours, base = variants["sasrec+ipe+s2idm"], variants["sasrec"]
    data: dict[str, Any] = {
        "domain": "b",
        "users": 1234,
        "items": 567,
        "interactions": 8901,
        "seeds": (0, 1),
        "protocol": {
            "split": "leave-one-out",
            "selection": "validation full/ndcg@10, on some",
            "sampled": "999",
            "full": "all items",
            "repeats": "removed",
            "prompts_see": "train",
            "shots": 0.25,
            "training_users": 300,
            "validation_users": 290,
            "test_users": 400,
        },
        "coverage": {
            "n_items": 567,
            "n_covered": 510,
            "anchors_per_item": 2.5,
            "quantiles": (0, 1, 2, 3, 9),
            "unmapped": (("odd", 3),),
            "share": 510 / 567,
        },
        "variants": variants,
        "baselines": ("popular",),
        "skipped": {},
        "few_seeds": {"gru4rec": (0,)},
        "product": {
            "variant": ours.label,
            "seed": 1,
            "metric": "full/ndcg@10",
            "validation": ours.selection.mean,
            "runner_up": "sasrec",
            "margin": 0.02,
            "beaten_by": (),
        },
        "comparisons": (
            comparison(ours, base, "full/ndcg@10", 0.01, 0.03),
            comparison(ours, base, "sampled/ndcg@10", -0.01, 0.03),
            comparison(variants["gru4rec"], variants["popular"], "full/ndcg@10", -0.02, 0.001),
        ),
        "example_user": "7",
    }
    return RunRecord(**data | changed)


def cell_record(metrics: RunRecord | None = None, **changed: Any) -> CellRecord:
    """Make a cell with something in each part, and hostile names."""
    metrics = run_record(domain=f"b{EVIL}") if metrics is None else metrics
    gain = {"sasrec+ipe+s2idm": GroupGain(mean=0.1, error=0.01)}
    mean = {"sasrec": 0.1, "sasrec+ipe+s2idm": 0.2}
    groups = (Group(low=3, high=5, users=10, mean=mean, gain=gain), Group(low=6, high=6, users=9, mean=mean, gain=gain))
    few = dict.fromkeys(metrics.variants, 0.25)
    data: dict[str, Any] = {
        "key": "a-to-b",
        "label": f"a to b {EVIL}",
        "protocol_name": "strong",
        "recipe": "tiny",
        "description": EVIL,
        "sources": (f"a{EVIL}",),
        "loss": "bce",
        "metrics": metrics,
        "published": PublishedFigures(
            place="table4/x",
            source="A paper",
            table="t",
            differs=("other data",),
            figures={"sasrec": {"ndcg@10": 0.2}, "sasrec+ipe+s2idm": {"ndcg@10": 0.21}},
        ),
        "breakdowns": Breakdowns(history=groups, known_anchors=groups[:1]),
        "thresholds": (
            Threshold(at_most=2, users=0, values={"sampled/ndcg@10": {}}),
            Threshold(at_most=3, users=7, values={"sampled/ndcg@10": few}),
            Threshold(at_most=5, users=9, values={"sampled/ndcg@10": few}),
        ),
        "curves": {
            "sasrec (base) · seed 0": Curve(epoch=(0.0, 1.0), validation=(0.1, 0.2), seconds=(0.0, 1.0)),
            "sasrec · seed 0": Curve(epoch=(0.0,), validation=(0.2,), seconds=(0.0,)),
        },
        "overlap": (OverlapRecord(source="a", target="b", shared=3, first_only=1, second_only=0, divergence=0.5),),
        "anchor_map": (
            AnchorPoint(word="toy_car", x=0.0, y=0.0, source=0.3, target=0.1),
            AnchorPoint(word=EVIL, x=1.0, y=0.5, source=0.1, target=0.3),
            AnchorPoint(word="space", x=-1.0, y=1.0, source=0.2, target=0.2),
            AnchorPoint(word="hidden", x=0.001, y=0.001, source=0.1, target=0.1),
        ),
        "cases": (
            Case(
                user=EVIL,
                history=(EVIL, ""),
                interactions=2,
                known=1,
                words=("toy_car", EVIL),
                before=(1.0, 0.0),
                after=(0.5, 1.0),
            ),
        ),
    }
    return CellRecord(**data | changed)


def experiment_record(**changed: Any) -> ExperimentRecord:
    """Make an experiment of two cells, a failed one, costs and published figures."""
    row = {"model": "S2IDM", "items": 100, "width": 10, "parameters_m": 0.5, "memory_mb": 12.0, "train_s": 1.5}
    rows = (CostRow(**row, evaluate_s=0.25), CostRow(**row | {"model": "TI-DiffRec", "width": 100}, evaluate_s=2.5))
    printed = PublishedCostRow(
        data="CD",
        model="S2IDM",
        items=105841,
        sememes=476,
        parameters_m=0.92,
        gpu_mb=1408,
        train_s=364.9,
        evaluate_s=827.78,
    )
    reference = PublishedFigures(
        place="table5/pixel",
        source="A paper",
        table="t",
        differs=(),
        figures={"sasrec": {"ndcg@10": 0.0857, "hit@10": 0.1583}, "t-diffrec": {"ndcg@10": 0.0436}},
    )
    data: dict[str, Any] = {
        "name": "trial",
        "description": EVIL,
        "made": Made(
            date="2030-01-02",
            machine="a machine",
            torch="9",
            release="1",
            quick=False,
            command=f"transfer experiment trial --set name={EVIL}",
        ),
        "cells": (cell_record(), cell_record(key="second", label="second", published=None)),
        "unfinished": (UnfinishedRecord(key="third", reason=EVIL),),
        "reference": (reference,),
        "cost": Cost(settings={"users": 500}, rows=rows, published=PublishedCost(title="Table 3", rows=(printed,))),
    }
    return ExperimentRecord(**data | changed)


def five_seeds() -> RunRecord:
    """Make a run of five seeds with tests of its differences."""
    figures = {"sasrec": 0.04, "sasrec+ipe+s2idm": 0.06, "sasrec+ipe+constant": 0.05}
    variants = {"popular": variant("popular", (0.02,), (0.05,), (0.6,))}
    for name, mean in figures.items():
        values = tuple(mean + 0.001 * step for step in (-2, -1, 0, 1, 2))
        variants[name] = variant(name, values, values, values, base=None if name == "sasrec" else "sasrec")
    ours = variants["sasrec+ipe+s2idm"]
    p_values = {"sasrec": 0.01, "sasrec+ipe+constant": 0.03, "popular": 0.02}
    comparisons = tuple(
        comparison(ours, variants[rival], metric, 0.0, 0.1, seeds=5, two_way=TwoWay(low=0.001, high=0.09, p=p))
        for metric in ("full/ndcg@10", "sampled/ndcg@10")
        for rival, p in p_values.items()
    )
    product = {
        "variant": ours.label,
        "seed": 1,
        "metric": "full/ndcg@10",
        "validation": ours.selection.mean,
        "runner_up": None,
        "margin": None,
        "beaten_by": (),
    }
    return run_record(
        variants=variants, seeds=(0, 1, 2, 3, 4), comparisons=comparisons, few_seeds={}, product=product, threads=2
    )
