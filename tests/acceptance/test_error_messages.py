"""What a person reads when something goes wrong, as it is met over real HTTP."""

import re
from functools import cache

import pytest

import platform_core.errors
from platform_core.errors import PlatformClientError
from tools.error_messages import errors_met

CLASSES = {
    name: value for name, value in vars(platform_core.errors).items() if isinstance(value, type) and issubclass(value, PlatformClientError)
}
CALL = re.compile(r"\((GET|POST) /api/v1/\S+, request [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}, \d+ requests? in \d+\.\d\d s\)\. ")


@cache
def met() -> dict[str, PlatformClientError]:
    return dict(errors_met())


def test_every_error_class_is_met() -> None:
    assert {type(error) for error in met().values()} == set(CLASSES.values())


@pytest.mark.parametrize("name", CLASSES)
def test_a_message_says_what_happened_to_which_call_with_which_request_id_and_what_to_do(name: str) -> None:
    for error in [error for error in met().values() if type(error) is CLASSES[name]]:
        text = str(error)
        call = CALL.search(text)
        assert call is not None, text
        what, advice = text[: call.start()], text[call.end() :]
        assert error.message in what
        assert len(advice) > 10
        assert advice.endswith((".", "s."))
        assert "not.a.token" not in text
