"""`refusal`: expect an error of a user's input by code and location, so that its wording can change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domains.errors import InputError


@contextmanager
def refusal(code: str, at: object = "", *, about: str = "") -> Iterator[pytest.ExceptionInfo[InputError]]:
    """Expect an InputError.

    Args:
        code: its code.
        at: a part of its location.
        about: what its message must name: a value of the user, a key or an option to change.
    """
    with pytest.raises(InputError) as caught:
        yield caught
    error = caught.value
    assert error.code == code, error
    assert str(at) in str(error.location), error
    assert about in str(error), error
