"""The emulator's page in a real browser: `make browser`, where Chromium is installed.

Not among the tests that run everywhere, as its name says: those need nothing that pip does not bring.
"""

import os
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from flow_sdk import SyncPlatformClient
from platform_emulator import Emulator
from tests.platform_emulator.support import IDS

sync_playwright: Any = import_module("playwright.sync_api").sync_playwright  # in a group of its own, so that no type checker finds it
expect: Any = import_module("playwright.sync_api").expect
WAIT_MILLISECONDS_MAX = 60_000
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    expect.set_options(timeout=WAIT_MILLISECONDS_MAX)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(platform: Emulator) -> Iterator[SyncPlatformClient]:
    with SyncPlatformClient(platform.url, platform.token, env={}) as made:
        yield made


@pytest.fixture
def page(chromium: Any, platform: Emulator) -> Iterator[Any]:
    """The page, open; whatever its script has to complain about, or would fetch from elsewhere, fails the test."""
    complaints: list[str] = []
    made = chromium.new_page()
    made.set_default_timeout(WAIT_MILLISECONDS_MAX)

    def on_error(error: Any) -> None:
        complaints.append(str(error))

    def on_message(message: Any) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def on_request(request: Any) -> None:
        if not request.url.startswith((platform.url, "data:")):
            complaints.append(request.url)

    made.on("pageerror", on_error)
    made.on("console", on_message)
    made.on("request", on_request)
    made.goto(platform.url)
    expect(made.locator("#connection")).to_have_text(re.compile("^live, "))
    yield made
    made.close()
    assert complaints == []


def test_an_execution_appears_and_moves_to_its_end(page: Any, client: SyncPlatformClient) -> None:
    expect(page.locator("#no-executions")).to_be_visible()
    execution_id = client.submit_code_block_execution(IDS["sleep"], {"seconds": 3600, "note": "<img src=x>"})["execution_id"]
    row = page.locator("#executions > li")
    expect(row.locator(".status")).to_contain_text("running")
    expect(row.locator(".track .running")).to_have_count(1)
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text('"note":"<img src=x>"')  # as text, not as markup
    expect(page.locator("img")).to_have_count(0)
    client.cancel_execution(execution_id)
    expect(row.locator(".status")).to_contain_text("cancelled")
    expect(row.locator(".track .end.cancelled")).to_have_count(1)
    expect(row.locator("details")).to_have_attribute("open", "")  # what was opened stays open


def test_a_fault_is_injected_by_the_form_and_met(page: Any, client: SyncPlatformClient) -> None:
    page.select_option("select[name=kind]", "delay")
    page.fill("input[name=seconds]", "0")
    page.fill("input[name=method]", "get")
    page.click("text=Inject")
    expect(page.locator("#injected")).to_have_text("injected: delay")
    expect(page.locator("#faults > li")).to_have_text("delay, seconds 0, method GET")
    client.request("GET", "/api/v1/tenants/orgs")
    expect(page.locator("#no-faults")).to_be_visible()
    expect(page.locator("#requests .failed")).to_have_text("met: delay, seconds 0, method GET")


def test_every_kind_has_its_fields_in_the_form(page: Any, platform: Emulator) -> None:
    for kind in page.locator("select[name=kind] option").all_text_contents():
        page.select_option("select[name=kind]", kind)
        for field in page.locator("#fields input[required]").all():
            field.fill("503")
        page.click("text=Inject")
        expect(page.locator("#injected")).to_have_text(f"injected: {kind}")
    expect(page.locator("#faults > li")).to_have_count(10)
    assert platform.requests == ()


def test_what_is_no_fault_is_told(chromium: Any, platform: Emulator) -> None:
    page = chromium.new_page()
    page.goto(platform.url)
    page.fill("input[name=status]", "42")
    page.click("text=Inject")
    expect(page.locator("#injected.refused")).to_have_text("status must be from 200 to 599, not 42")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_by_day_and_by_night(chromium: Any, platform: Emulator, client: SyncPlatformClient, scheme: str) -> None:
    client.execute_agent(IDS["answer"], {"question": "Why?"})
    page = chromium.new_page(viewport=PHONE, color_scheme=scheme)
    page.goto(platform.url)
    expect(page.locator("#executions .status")).to_contain_text("completed")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ground, text = (page.evaluate(f"getComputedStyle(document.body).{each}") for each in ("backgroundColor", "color"))
    assert (brightness(ground) > brightness(text)) == (scheme == "light")
    assert abs(brightness(ground) - brightness(text)) > 150
    page.close()


def test_a_page_of_another_origin_reads_nothing_and_injects_nothing(chromium: Any, platform: Emulator) -> None:
    with Emulator() as other:  # another port is another origin
        page = chromium.new_page()
        page.goto(f"{other.url}/api")  # a page whose own policy forbids it nothing
        tries = page.evaluate(
            """async (url) => {
                const headers = { "Content-Type": "application/json" }, body = '{"kind": "drop_after"}';
                const tried = [
                    fetch(url + "/_emulator/state.json").then((answer) => answer.text()),
                    fetch(url + "/_emulator/faults", { method: "POST", headers, body }),
                    fetch(url + "/_emulator/faults", { method: "POST", mode: "no-cors", headers, body }).then((answer) => answer.type),
                ];
                return (await Promise.allSettled(tried)).map((each) => each.status + " " + (each.value ?? ""));
            }""",
            platform.url,
        )
        page.close()
    assert tries == ["rejected "] * 3
    own = chromium.new_page()
    own.goto(platform.url)
    expect(own.locator("#connection")).to_have_text(re.compile("^live, "))
    expect(own.locator("#faults > li")).to_have_count(0)
    own.close()


def test_that_the_emulator_has_ended_is_told(chromium: Any) -> None:
    page = chromium.new_page()
    with Emulator() as platform:
        page.goto(platform.url)
        expect(page.locator("#connection")).to_have_text(re.compile("^live, "))
    expect(page.locator("#connection.lost")).to_contain_text("does not answer")
    page.close()


def brightness(color: str) -> float:
    """0 to 255, of `rgb(…)`."""
    red, green, blue = (int(each) for each in re.findall(r"\d+", color)[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue
