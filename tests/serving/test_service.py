"""The web service of a run."""

from __future__ import annotations

import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

import pytest
from serving_cases import made_run

from transfer.api import load_run
from transfer.serving.history import History
from transfer.serving.limits import LARGEST_BODY
from transfer.serving.service import Service, make_app

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

pytestmark = pytest.mark.usefixtures("without_an_encoder")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("service"), "sasrec", "sasrec+ipe+s2idm", "sasrec+ipe+s2idm+matching")


@pytest.fixture(scope="module")
def client(folder):
    with TestClient(make_app(folder, "sasrec+ipe+s2idm+matching")) as client:
        yield client


@pytest.fixture(scope="module")
def run(folder):
    return load_run(folder).with_variant("sasrec+ipe+s2idm+matching")


def test_a_user_gets_what_the_library_gives(client, run):
    user = run.target.domain.user_ids[3].as_py()
    answer = client.post("/recommend", json={"user": user, "count": 5}).json()
    expected = run.recommend(user=user, count=5)
    assert [item["item_id"] for item in answer["items"]] == [item.item_id for item in expected]
    assert [item["reason"] for item in answer["items"]] == [item.reason for item in expected]


def test_questions_at_the_same_time_are_not_mixed_up(client, run):
    users = run.target.domain.user_ids.to_pylist()
    titles = run.target.domain.titles.to_pylist()
    questions = [{"user": user, "count": 3} for user in users] + [{"history": [title], "count": 4} for title in titles]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda question: client.post("/recommend", json=question).json(), questions))
    for question, answer in zip(questions, answers, strict=True):
        expected = [item.item_id for item in run.recommend(**question)]
        assert [item["item_id"] for item in answer["items"]] == expected, question


def test_filters_and_interests(client, run):
    ids = run.target.domain.item_ids.to_pylist()
    answer = client.post("/recommend", json={"interests": ["pirate"], "only_items": ids[:4], "without_items": ids[:1]})
    assert {item["item_id"] for item in answer.json()["items"]} <= set(ids[1:4])
    sold_out = client.post("/recommend", json={"history": ids[:1], "without_items": ["gone"]}).json()
    assert sold_out["notes"] == ["without_items: 1 of 1 id is unknown and ignored: 'gone'"]
    noted = client.post("/recommend", json={"history": ["pir"]}).json()
    assert len(noted["notes"]) == 1


def test_an_empty_list_of_items_allows_none(client, run):
    user = run.target.domain.user_ids[3].as_py()
    for path in ("/recommend", "/explain"):
        answer = client.post(path, json={"user": user, "only_items": []})
        assert answer.status_code == 200
        assert answer.json().get("items", answer.json().get("recommended")) == []
    every = client.post("/recommend", json={"user": user, "without_items": [], "count": 4}).json()["items"]
    assert len(every) == 4


@pytest.mark.parametrize(("path", "most"), [("/recommend", "MOST_WAITING"), ("/explain", "MOST_EXPLAINED")])
def test_more_questions_than_may_wait_are_refused(folder, monkeypatch, path, most):
    monkeypatch.setattr(f"transfer.serving.service.{most}", 2)
    begun, go_on = threading.Event(), threading.Event()

    def held_up(domain, user):
        begun.set()
        go_on.wait(30)
        return of_user(domain, user)

    of_user = History.of_user
    monkeypatch.setattr(History, "of_user", held_up)
    with TestClient(make_app(folder)) as client, ThreadPoolExecutor(4) as threads:
        ask = partial(client.post, path, json={"user": load_run(folder).target.domain.user_ids[0].as_py()})
        first = threads.submit(ask)
        assert begun.wait(30)
        others = [threads.submit(ask) for _ in range(3)]
        refused = next(as_completed(others)).result()
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        go_on.set()
        assert first.result().status_code == 200
        assert sorted(one.result().status_code for one in others) == [200, 200, 503]


def test_a_new_run_that_no_code_can_read_is_not_the_last_one_tried(folder, tmp_path, monkeypatch):
    place = shutil.copytree(folder, tmp_path / "run")
    service = Service(place)
    config = place / "target" / "config.json"

    def broken():
        raise ValueError("no error of ours")

    with monkeypatch.context() as patch:
        patch.setattr(service, "_load", broken)
        os.utime(config, ns=(1, 1))
        assert not service.reload_if_new()
    assert service.reload_if_new()
    assert (service.failed_reloads, service.reloads) == (1, 1)


def test_an_explanation_sums_to_the_score(client, run):
    user = run.target.domain.user_ids[3].as_py()
    why = client.post("/explain", json={"user": user, "count": 4}).json()
    for one in why["recommended"]:
        assert sum(one["terms"].values()) == pytest.approx(one["recommendation"]["score"], abs=1e-3)
    assert why["interests"][0]["before"] > 0
    assert why["interests"][0]["after"] is not None


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ({}, 422, "request"),
        ({"user": "u1", "interests": ["x"]}, 422, "request"),
        ({"user": "u1", "count": 0}, 422, "request"),
        ({"user": "u1", "count": 1_000_000_000}, 422, "request"),
        ({"user": "u1", "kount": 3}, 422, "request"),
        ({"user": "nobody"}, 404, "unknown-user"),
        ({"history": []}, 422, "empty-history"),
        ({"history": ["zzz", "qqq"]}, 422, "unknown-title"),
        ({"history": ["a"] * 1001}, 422, "request"),
        ({"interests": [" "]}, 422, "no-interest"),
        ({"interests": ["x" * 300]}, 422, "long-interest"),
        ({"interests": ["zeppelin"]}, 422, "unknown-interest"),
        ({"user": "u1", "only_items": ["gone"]}, 422, "unknown-item"),
    ],
)
def test_a_bad_question_is_refused_with_a_code(client, question, status, code):
    answer = client.post("/recommend", json=question)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert "--" not in told["hint"]
    assert not {"Value error", "Input should be a valid dict", "validation"} & set(told["problem"].split(", "))


@pytest.mark.parametrize(
    ("request_", "status", "problem", "hint"),
    [
        (("GET", "/nothing"), 404, "there is nothing at /nothing", "/docs"),
        (("GET", "/recommend"), 405, "GET is not possible at /recommend", "/docs"),
        (("POST", "/recommend", b"[1]"), 422, "the body is not a JSON object", '{"user": "42"}'),
        (("POST", "/recommend", b""), 422, "the body is not a JSON object", '{"user": "42"}'),
        (("POST", "/recommend", b"{"), 422, "the body is not valid JSON", '{"user": "42"}'),
        (("POST", "/recommend", b"{}"), 422, "give exactly one of user, history and interests", "Correct"),
        (("POST", "/recommend", b'{"usr": "1"}'), 422, "unknown key 'usr'", "Did you mean 'user'?"),
        (("POST", "/recommend", json.dumps({"history": ["a"] * 1001}).encode()), 422, "history: longer than 1,000", ""),
        (("POST", "/recommend", b'{"history": []}'), 422, "the history is empty", '{"history": ["'),
        (("POST", "/recommend", b'{"user": "\xff"}'), 422, "the body is not valid JSON", "Content-Type"),
        (("POST", "/recommend", b"[" * 100_000), 422, "the body is not valid JSON", "Content-Type"),
        (("POST", "/recommend", b'{"count": ' + b"9" * 5000), 422, "the body is not valid JSON", "Content-Type"),
        (("POST", "/recommend", b'{"interests": ["\\ud800"]}'), 422, "'\\ud800' holds half of a letter", "UTF-8"),
    ],
)
def test_each_problem_is_told_in_the_words_of_the_service(client, request_, status, problem, hint):
    method, path, *content = request_
    headers = {"content-type": "application/json"}
    answer = client.request(method, path, content=content[0] if content else None, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["problem"]) == (status, problem)
    assert hint in told["hint"]
    assert told["code"]


def test_a_failure_of_the_service_has_a_code_too(folder, monkeypatch):
    def broken(*_):
        raise RuntimeError("not the client's business")

    monkeypatch.setattr(Service, "explain_all", broken)
    with TestClient(make_app(folder), raise_server_exceptions=False) as client:
        answer = client.post("/explain", json={"user": "u1"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "business" not in answer.text


def test_a_body_that_is_too_long_or_no_json_is_refused(client):
    assert client.post("/recommend", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert client.post("/recommend", content=iter([b"x" * LARGEST_BODY, b"x"])).status_code == 413
    assert client.post("/recommend", content=b'{"user": ').status_code == 422


def test_health_metrics_schema_and_page(client):
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/openapi.json").json()["paths"].keys() >= {"/recommend", "/explain", "/health", "/metrics"}
    assert 'transfer_requests_total{path="/health",status="200"}' in client.get("/metrics").text
    assert "<form" in client.get("/").text


def test_a_new_run_is_taken_and_a_broken_one_is_not(folder, tmp_path, caplog):
    place = tmp_path / "target"
    shutil.copytree(folder / "target", place)
    app = make_app(place)
    service = app.state.service
    assert not service.reload_if_new()
    config, before = place / "config.json", service.loaded
    text = config.read_text()
    config.write_text(text[:50])
    os.utime(config, ns=(1, 1))
    for _ in range(2):
        assert not service.reload_if_new()
    assert service.failed_reloads == 2
    (line,) = caplog.records
    assert "not valid JSON" in line.getMessage(), "the same problem is told once, and not as a failure of the service"
    assert not line.exc_info
    assert service.loaded is before
    config.write_text(json.dumps(json.loads(text)))
    shutil.copy(folder / "target" / "config.json", config)
    assert service.reload_if_new()
    assert service.loaded is not before
