"""`metrics.json` is written and read as a typed record that refuses what cannot be true."""

from __future__ import annotations

import json

import pytest
from report_cases import experiment_record, run_record

from domains.errors import InputError
from transfer.report.document import described
from transfer.report.experiment_record import ExperimentRecord
from transfer.report.run_record import RunRecord, Spread, common_threads


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(run_record().as_dict()), encoding="utf-8")
    return path


def change(path, keys, value):
    data = json.loads(path.read_text(encoding="utf-8"))
    *outer, last = keys
    inner = data
    for key in outer:
        inner = inner[key]
    inner[last] = value
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_record_is_read_as_it_was_written(file):
    assert RunRecord.read(file) == run_record()


def test_figures_are_found_by_stage_and_metric():
    variant = run_record().variants["sasrec"]
    assert variant.figure("test", "full/ndcg@10").values == (0.03, 0.05)
    assert variant.figure("test", "sampled/auc").mean == 0.7
    assert variant.figure("test", "full/auc") is None


FIGURE = ("variants", "sasrec", "test", "full", "ndcg@10")


@pytest.mark.parametrize(
    ("keys", "value", "location"),
    [
        (("users",), "many", "users"),
        (("users",), -1, "users"),
        (("unknown",), 1, "unknown"),
        ((*FIGURE, "mean"), float("nan"), ".".join((*FIGURE, "mean"))),
        ((*FIGURE, "mean"), 0.05, ".".join(FIGURE)),
        ((*FIGURE, "std"), 0.5, ".".join(FIGURE)),
        ((*FIGURE, "values"), [], ".".join((*FIGURE, "values"))),
        (("comparisons", 0, "low"), 0.04, "comparisons.0"),
        (("comparisons", 0, "low"), 0.025, "comparisons.0"),
        (("comparisons", 0, "relative"), 9.0, ""),
        (("comparisons", 0, "relative"), None, ""),
        (("comparisons", 0, "p_users"), 1.5, "comparisons.0.p_users"),
        (("comparisons", 0, "difference"), 0.025, ""),
        (("comparisons", 0, "difference"), 0.3, "comparisons.0"),
        (("comparisons", 0, "baseline"), "nobody", ""),
        (("product", "variant"), "nobody", ""),
        (("product", "validation"), 0.9, ""),
        (("product", "seed"), 7, ""),
        (("product", "runner_up"), "nobody", ""),
        (("product", "runner_up"), None, ""),
        (("product", "margin"), 0.5, ""),
        (("product", "beaten_by"), ["popular"], ""),
        (("coverage", "share"), 0.1, "coverage"),
        (("baselines",), [], ""),
        (("seeds",), [0, 1, 2], ""),
        (("variants", "sasrec", "label"), "gru4rec", ""),
        (("variants", "sasrec", "kept_epochs"), [{"base": 1, "variant": 0}], ""),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_location(file, keys, value, location):
    change(file, keys, value)
    with pytest.raises(InputError) as caught:
        RunRecord.read(file)
    assert caught.value.location == (f"{file}: {location}" if location else str(file))
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[", "[]", "null", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_is_no_record_is_refused(file, text):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        RunRecord.read(file)
    assert caught.value.location == str(file)


def test_records_show_themselves_in_one_line():
    run, experiment = run_record(), experiment_record()
    assert str(run) == repr(run) == "<RunRecord sasrec+ipe+s2idm of 4 variants on b: 1,234 users, 567 items>"
    assert str(experiment) == repr(experiment) == "<ExperimentRecord trial: 2 cells, 1 unfinished>"


def test_a_spread_is_that_of_its_values():
    found = Spread.of([0.1, 0.2, 0.6])
    assert found.mean == pytest.approx(0.3)
    assert found.std == pytest.approx(0.07**0.5)
    assert Spread.of([0.5]).std == 0


@pytest.mark.parametrize("model", [RunRecord, ExperimentRecord])
def test_every_key_is_described(model):
    keys = dict(described(model))
    assert {"variants.*.kept_epochs.base", "comparisons.two_way.p", "protocol.shots"} <= {
        key.removeprefix("cells.metrics.") for key in keys
    }
    assert [key for key, text in keys.items() if not text] == []


def test_an_experiment_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(experiment_record().model_dump_json(), encoding="utf-8")
    assert ExperimentRecord.read(path) == experiment_record()


def test_threads_are_common_only_if_all_are_known_and_equal():
    one, two = run_record().variants["sasrec"], run_record().variants["sasrec+ipe+s2idm"]

    def computed(first, second):
        return common_threads([one.model_copy(update={"threads": first}), two.model_copy(update={"threads": second})])

    assert computed((2, 2), (2, 2)) == 2
    assert computed((2, 2), (2, 1)) is None
    assert computed((2, 2), None) is None
    assert common_threads([]) is None
    with pytest.raises(ValueError, match="threads that are not of 2 seeds"):
        run_record(variants=run_record().variants | {"sasrec": one.model_copy(update={"threads": (2,)})})
