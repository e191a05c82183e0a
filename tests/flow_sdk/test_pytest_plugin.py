"""The fixtures, as the tests of somebody else have them: in every kind of test, and at no cost where they are not used."""

import subprocess
import sys
import textwrap

import pytest

CLIENT = """
import pytest
from flow_sdk import PlatformClient, SyncPlatformClient
ECHO = "c0de0000-0000-4000-8000-000000000001"
SLEEP = "c0de0000-0000-4000-8000-000000000002"
HERE = ("https://platform.test", "a-token")
"""


def passes(pytester: pytest.Pytester, text: str, *, passed: int) -> None:
    pytester.makepyfile(CLIENT + textwrap.dedent(text))
    pytester.runpytest("-p", "no:cacheprovider", "-p", "no:xdist", "-W", "error").assert_outcomes(passed=passed)


def test_they_work_on_asyncio_on_trio_and_without_an_event_loop(pytester: pytest.Pytester) -> None:
    test = """
    @pytest.mark.anyio
    async def test_async(platform_fake):
        async with PlatformClient(*HERE, transport=platform_fake) as client:
            assert (await client.execute_code_block(SLEEP, {"seconds": 3000}))["result"] == {"seconds": 3000}
        assert platform_fake.now >= 3000

    def test_blocking(platform_fake):
        with SyncPlatformClient(*HERE, transport=platform_fake) as client:
            assert client.execute_code_block(ECHO, {"a": 1})["result"] == {"a": 1}
        assert [each["status"] for each in platform_fake.executions] == ["completed"]

    def test_another_test_has_another_platform(platform_fake):
        assert (platform_fake.now, platform_fake.executions, platform_fake.requests) == (0, (), [])
    """
    passes(pytester, test, passed=4)


def test_the_emulator_serves_until_the_test_is_over(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
urls = []
def test_blocking(platform_emulator):
    urls.append(platform_emulator.url)
    with SyncPlatformClient(platform_emulator.url, platform_emulator.token) as client:
        assert client.execute_code_block(ECHO, {"a": 1})["result"] == {"a": 1}

def test_it_was_stopped():
    from flow_sdk import PlatformConnectionError, RetryPolicy
    with SyncPlatformClient(urls[0], "a-token", retry=RetryPolicy(attempts_max=1)) as client:
        with pytest.raises(PlatformConnectionError):
            client.request("GET", "/api/v1/tenants/orgs")
""",
        passed=2,
    )


def test_components_of_ones_own_are_called_at_once_and_may_stand_in_the_test(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
from platform_emulator import agent, code_block, component_id_of
from flow_sdk import PlatformExecutionError

@code_block
def double(inputs):
    return {"n": 2 * inputs["n"]}

@pytest.fixture
def platform_components():
    @agent(component_id="7e570000-0000-4000-8000-0000000000aa")
    def oracle(inputs):
        return 42
    return [double, oracle]

def test_them(platform_fake):
    with SyncPlatformClient(*HERE, transport=platform_fake) as client:
        assert client.execute_code_block(component_id_of(double), {"n": 4})["result"] == {"n": 8}
        assert client.execute_agent("7e570000-0000-4000-8000-0000000000aa")["result"] == 42
        with pytest.raises(PlatformExecutionError, match="KeyError: 'n'"):
            client.execute_code_block(component_id_of(double))
""",
        passed=1,
    )


def test_a_run_that_uses_no_fixture_loads_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys
def test_nothing_is_loaded():
    assert {name for name in sys.modules if name.startswith(("flow_sdk", "platform_"))} == {"flow_sdk", "flow_sdk.pytest_plugin"}
"""
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_importing_the_plugin_imports_pytest_alone() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import flow_sdk.pytest_plugin; "
        "print(*sorted(each for each in set(sys.modules) - before if not each.startswith('flow_sdk')))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) <= {"uuid", "_uuid", "platform", "typing", "importlib"}
