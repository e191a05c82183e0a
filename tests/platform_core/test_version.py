"""The version."""

import re

from platform_core.version import VERSION


def test_the_version_is_one_that_user_agent_can_carry() -> None:
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+(?:\.dev[0-9]+)?", VERSION)
