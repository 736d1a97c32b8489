"""A run on data with equal times says how much depends on their order, and keeps it in its record."""

from __future__ import annotations

from dataclasses import replace

from experiment_cases import write_domain, write_recipe

from recipes.load import load_recipe
from transfer.runs.pipeline import run_plan
from transfer.runs.plan import make_plan
from transfer.runtime import Runtime
from transfer.variants import parse_variant


def days(folder, ties):
    """A target whose users have a few interactions at each time, in files sorted by time only."""
    target = write_domain(folder, "shows", 2, users=60, items=30)
    path = folder / "shows.csv"
    head, *rows = path.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    path.write_text("\n".join([head, *(f"{user},{item},{int(time) // 3000 * 3000}" for user, item, time in cells)]))
    target["prepare"]["ties"] = ties
    return load_recipe(write_recipe(folder, target=target, variants=["popular", "next-ids"]))


def test_a_run_on_days_says_so_and_records_it(tmp_path, said):
    found = {}
    for ties in ("file", "item"):
        plan = make_plan(days(tmp_path, ties))
        found[ties] = run_plan(plan, tmp_path / ties, Runtime()).metrics
    order = found["item"].protocol.order
    assert order.ties == "item"
    assert 0.3 < order.held_out_tied / order.held_out < 0.9
    # Within a time all neighbours ascend, between times half of them.
    assert order.neighbours_ascending > order.neighbours_tied
    assert order.neighbours_ascending > found["file"].protocol.order.neighbours_ascending + 0.2 * order.neighbours
    assert any("of the held-out items share their time with the item before" in line for line in said)
    groups = {group.name: group for group in found["item"].target_groups}
    tied, untied = (groups[name].values["full/ndcg@10"]["next-ids"] for name in ("tied", "untied"))
    assert groups["tied"].users + groups["untied"].users == found["item"].protocol.test_users
    whole = found["item"].variants["next-ids"].test["full"]["ndcg@10"].mean
    shares = [groups[name].users / found["item"].protocol.test_users for name in ("tied", "untied")]
    assert abs(shares[0] * tied + shares[1] * untied - whole) < 1e-9
    assert tied > untied


def test_a_run_that_goes_on_with_other_threads_says_so(tmp_path, monkeypatch):
    plan = make_plan(days(tmp_path, "file"))
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    first = run_plan(plan, tmp_path / "out", Runtime()).metrics
    assert (first.threads, first.variants["popular"].threads) == (3, (3,))
    more = plan_with(plan, "popular", "next-ids", "transitions")
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    again = run_plan(more, tmp_path / "out", Runtime()).metrics
    assert again.threads is None
    assert {name: one.threads for name, one in again.variants.items()} == {
        "popular": (3,),
        "next-ids": (3,),
        "transitions": (1,),
    }


def plan_with(plan, *variants):
    recipe = plan.recipe.model_copy(update={"variants": variants})
    return replace(plan, recipe=recipe, variants=tuple(parse_variant(name) for name in variants))
