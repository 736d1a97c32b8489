"""Made-up records for the tests of records, tables and pages."""

from __future__ import annotations

from typing import Any

from transfer.report.record import Beyond, Comparison, KeptEpochs, RunRecord, Spread, VariantParts, VariantRecord

PARTS = {
    "popular": VariantParts(architecture="popular"),
    "sasrec": VariantParts(architecture="sasrec", channels=("id",)),
    "sasrec+ipe+s2idm": VariantParts(architecture="sasrec", channels=("id",), entry="prompts", interests="s2idm"),
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
        variant=ours.label, baseline=theirs.label, stage="test", metric=metric, difference=difference,
        relative=difference / means[1], low=low, high=high, **settings,
    )  # fmt: skip


def run_record(**changed: Any) -> RunRecord:
    """Make a run of four variants and two seeds, one of them with a single seed."""
    variants = {
        "popular": variant("popular", (0.02,), (0.05,), (0.6,), beyond=Beyond(coverage=0.001, popularity_rank=0.0001)),
        "sasrec": variant("sasrec", (0.03, 0.05), (0.10, 0.12), (0.7, 0.7)),
        "sasrec+ipe+s2idm": variant(
            "sasrec+ipe+s2idm", (0.05, 0.07), (0.11, 0.13), (0.8, 0.8), base="sasrec",
            kept_epochs=(KeptEpochs(base=3, variant=2), KeptEpochs(base=5, variant=0)),
        ),
        "gru4rec": variant("gru4rec", (0.01,), (0.02,), (0.5,)),
    }  # fmt: skip
    ours, base = variants["sasrec+ipe+s2idm"], variants["sasrec"]
    data: dict[str, Any] = {
        "domain": "b", "users": 1234, "items": 567, "interactions": 8901, "seeds": (0, 1),
        "protocol": {
            "split": "leave-one-out", "selection": "validation full/ndcg@10, on some", "sampled": "999",
            "full": "all items", "repeats": "removed", "prompts_see": "train", "shots": 0.25, "training_users": 300,
            "validation_users": 290, "test_users": 400,
        },
        "coverage": {
            "n_items": 567, "n_covered": 510, "anchors_per_item": 2.5, "quantiles": (0, 1, 2, 3, 9),
            "unmapped": (("odd", 3),), "share": 0.9,
        },
        "variants": variants, "baselines": ("popular",), "skipped": {}, "few_seeds": {"gru4rec": (0,)},
        "product": {
            "variant": ours.label, "seed": 1, "metric": "full/ndcg@10", "validation": ours.selection.mean,
            "runner_up": "sasrec", "margin": 0.02, "beaten_by": (),
        },
        "comparisons": (
            comparison(ours, base, "full/ndcg@10", 0.01, 0.03),
            comparison(ours, base, "sampled/ndcg@10", -0.01, 0.03),
            comparison(variants["gru4rec"], variants["popular"], "full/ndcg@10", -0.02, 0.001),
        ),
        "example_user": "7",
    }  # fmt: skip
    return RunRecord(**data | changed)
