"""Errors keep class, code and hint on their way to the user."""

from __future__ import annotations

import pytest

from domains.errors import LONGEST, CombinedError, DataError, InputError, RunError, SettingsError, suggest, within
from domains.settings import PrepareSettings
from recipes.load import check_recipe


@pytest.mark.parametrize(
    ("kind", "code"), [(InputError, "input"), (DataError, "data"), (SettingsError, "settings"), (RunError, "run")]
)
def test_each_class_has_a_code_of_its_own(kind, code):
    assert kind("wrong").code == code
    assert kind("wrong", code="disk-full").code == "disk-full"
    assert isinstance(kind("wrong"), InputError)


def test_within_moves_the_location_and_keeps_the_rest():
    with pytest.raises(RunError) as caught, within("case 3"):
        raise RunError("wrong", location="file", hint="Correct it", code="disk-full")
    error = caught.value
    assert (error.problem, error.location, error.hint, error.code) == (
        "wrong",
        "case 3: file",
        "Correct it",
        "disk-full",
    )


def test_a_wrong_recipe_is_a_settings_error():
    with pytest.raises(SettingsError) as caught:
        check_recipe({"sources": ["books"], "encoder": {"dmi": 3}}, "mine.yaml")
    assert caught.value.code == "unknown-key"


def test_a_message_leaves_out_the_middle_of_what_is_too_long() -> None:
    error = InputError("no domain is called " + "9" * 5000 + "!", location="a" * 5000, hint="Known: books")
    assert len(error.problem) <= LONGEST and len(str(error)) < 2 * LONGEST + 100
    assert error.problem.startswith("no domain is called 99") and error.problem.endswith("99!")
    assert len(str(CombinedError((error, error)))) > 2 * LONGEST, "several problems are all shown"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("min_items", "min_item_interactions"),
        ("min_users", "min_user_interactions"),
        ("missing_title", "missing_titles"),
        ("max_histroy", "max_history"),
        ("m_i", None),
        ("users_of_old", None),
    ],
)
def test_the_nearest_key_holds_the_same_words(typed, meant):
    assert suggest(typed, PrepareSettings.model_fields) == (f"Did you mean {meant!r}? " if meant else "")
