"""An SDK that hides us: built with a vendored core, it runs where nothing but the standard library is, and shows no name of ours."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from platform_emulator import Emulator, agent, component_id_of
from platform_emulator.components import COMPONENTS
from tools.vendor import vendor

ROOT = Path(__file__).resolve().parents[2]
IDS = {each.name: each.component_id for each in COMPONENTS}
SECONDS_MAX = 120
ASKS = """
import sys
sys.path.insert(0, {path!r})
from acme import Acme, AcmeBusyError, AcmeDeniedError, AcmeError, AcmeFailedError
acme = Acme({url!r}, {key!r}, {assistant!r})
{rest}
foreign = sorted(name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names | {{"acme", "__main__"}})
print("not of the standard library:", foreign)
"""


@agent
def never(_inputs: object) -> None:
    while True:
        signal.pause()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the built SDK."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT / "examples" / "embed_acme" / "acme", folder / "acme", ignore=shutil.ignore_patterns("__pycache__"))
    vendor(folder / "acme")
    return folder


def program(built: Path, platform: Emulator, rest: str, *, assistant: str = IDS["answer"], key: str | None = None) -> list[str]:
    """Without site-packages and without a word of the environment: what is not in the folder is not there."""
    text = ASKS.format(path=str(built), url=platform.url, key=key or platform.token, assistant=assistant, rest=rest)
    return [sys.executable, "-I", "-S", "-W", "error", "-c", text]


def printed(command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert ended.stderr == ""
    return ended.stdout


def test_a_question_is_answered_without_anything_of_ours(built: Path) -> None:
    with Emulator() as platform:
        said = printed(program(built, platform, 'print(acme.ask("Why?"))'))
    assert said == "{'question': 'Why?'}\nnot of the standard library: []\n"


def test_a_lost_answer_asks_nothing_twice(built: Path) -> None:
    with Emulator(faults=[{"kind": "drop_after"}]) as platform:
        assert printed(program(built, platform, 'print(acme.ask("Why?"))')).startswith("{'question': 'Why?'}\n")
        assert len(platform.executions) == 1


FAILS = """
import traceback
try:
    acme.ask("Why?")
except AcmeError as error:
    told = "".join(traceback.format_exception(error))
    print(type(error).__name__, error, error.__cause__ is error.__context__ is None, "Platform" in told)
"""


@pytest.mark.parametrize(
    ("status", "times", "told"),
    [
        (401, 1, "AcmeDeniedError"),
        (403, 1, "AcmeDeniedError"),
        (500, 1, "AcmeFailedError"),
        (503, 4, "AcmeBusyError"),
        (404, 1, "AcmeBusyError"),
    ],
)
def test_what_goes_wrong_has_acmes_names(built: Path, status: int, times: int, told: str) -> None:
    with Emulator(faults=[{"kind": "status", "status": status, "times": times, "retry_after": "0"}]) as platform:
        said = printed(program(built, platform, FAILS)).splitlines()[0]
    assert said.startswith(f"{told} ")
    assert said.endswith(" True False")


def test_an_interrupt_takes_the_question_back(built: Path) -> None:
    waiting = "try:\n    acme.ask('Why?')\nexcept KeyboardInterrupt:\n    print('interrupted')"
    with Emulator(components=[never]) as platform:
        command = program(built, platform, waiting, assistant=component_id_of(never))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while not any(request.method == "GET" for request in platform.requests):  # it polls: the submission was answered
                assert process.poll() is None
                threading.Event().wait(0.02)
            process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            assert process.stdout.readline() == "interrupted\n"
        assert [each.status for each in platform.executions] == ["cancelled"]
