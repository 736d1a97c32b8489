"""Settings of evaluation: what a person may write."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import yaml

from transfer.evaluation.settings import EvaluationSettings

DAY = int(datetime(2024, 1, 31, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2024-01-31", DAY),
        ("2024-01-31T12:30", DAY + 45_000),
        ("2024-01-31 12:30:00", DAY + 45_000),
        ("2024-01-31T12:30:00+01:00", DAY + 41_400),
        (str(DAY), DAY),
        (f"'{DAY}'", DAY),
    ],
)
def test_a_moment_is_a_date_a_time_or_unix_seconds(written, seconds):
    recipe = yaml.safe_load(f"{{split: temporal, validation_from: 0, test_from: {written}}}")
    settings = EvaluationSettings.model_validate(recipe)
    assert settings.moments == (0, seconds)
    assert EvaluationSettings.model_validate(settings.model_dump(mode="json")) == settings


def test_dates_of_python_are_moments():
    settings = EvaluationSettings(split="temporal", validation_from=date(2024, 1, 30), test_from=date(2024, 1, 31))
    assert settings.moments == (DAY - 86_400, DAY)
