"""The pictures of docs/images: `make screenshots` makes them of the programs as they run. Look at each before it is committed.

The command line runs on a terminal in memory, and is drawn as SVG; the emulator's page and the site are seen through Chromium.
"""

import io
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image
from pyte.screens import Char
from rich.console import Console
from rich.text import Text

from flow_sdk import SyncPlatformClient
from flow_sdk.platform_client import PlatformClientError
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from tests.support.terminal import COLUMNS, Terminal

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SITE = ROOT / "build" / "site"
IDS = {each.name: each.component_id for each in COMPONENTS}
BYTES_MAX = 150_000
COLOURS = 128
"""Of a PNG: enough for a page, and a third of the bytes."""
PNG_SIZE, PHONE_SIZE = (1000, 820), (400, 800)
COLOUR_NAMES = {name: name for name in ("default", "red", "green", "blue", "magenta", "cyan", "white")} | {
    "brown": "yellow",
    "black": "bright_black",
    "brightblack": "bright_black",
}
"""The terminal's names of colours, as rich has them; it has the rest as six hexadecimal digits."""
# The pictures name a font of another server, and do without it.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Make them all, and say how large each is."""
    IMAGES.mkdir(exist_ok=True)
    with Emulator() as platform:
        draw_the_command_line(platform)
    with chromium() as browser:
        with Emulator() as platform:
            show_the_page(browser, platform)
        show_the_site(browser)
    for image in sorted(IMAGES.iterdir()):
        size = image.stat().st_size
        print(f"{size:>8,} {image.relative_to(ROOT)}{'  TOO LARGE' if size > BYTES_MAX else ''}")


def draw_the_command_line(platform: Emulator) -> None:
    """A run while it goes on, and what errors say."""
    sleep = ("run", "code-block", IDS["sleep"], "-i", '{"seconds": 6}')
    fail = ("run", "code-block", IDS["fail"], "-i", '{"message": "no such file"}')
    draw("command_line_run", [shown(platform, sleep, until="  3.")])
    unknown = ("request", "GET", "/api/v1/some/endpoint")
    mistaken = ("run", "code-block", "echo", "-i", "{")
    draw("command_line_errors", [shown(platform, each) for each in (fail, unknown, mistaken)])


def shown(platform: Emulator, arguments: tuple[str, ...], *, until: str | None = None) -> Text:
    """What stands on a terminal after this command, or once this text appears."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "PLATFORM_CLIENT_LOG"}}
    env = kept | {"PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token}
    typed = " ".join(f"'{each}'" if " " in each or each.startswith("{") else each for each in arguments)
    text = Text().append(f"$ platform-client {typed}\n", "bold")
    with Terminal([str(Path(sys.executable).parent / "platform-client"), *arguments], env=env) as terminal:
        if until is None:
            terminal.end()
        else:
            terminal.wait_for(until)
        for row in terminal.cells():
            for style, cells in groupby(row, key=_style):
                text.append("".join(cell.data for cell in cells), style)
            text.rstrip()
            text.append("\n")
    return text


def _style(cell: Char) -> str:
    colour = COLOUR_NAMES.get(cell.fg, f"#{cell.fg}")
    return f"bold {colour}" if cell.bold else colour


def draw(name: str, texts: list[Text]) -> None:
    """Draw what stood on a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text("\n").join(texts))
    picture = console.export_svg(title="platform-client", unique_id=name)
    (IMAGES / f"{name}.svg").write_text(_FONT_FACE.sub("", picture), encoding="utf-8")


@contextmanager
def chromium() -> Generator[Any, None, None]:
    """The system's, headless."""
    playwright: Any = import_module("playwright.sync_api")  # in a group of its own, so that no type checker finds it
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        yield browser
        browser.close()


def show_the_page(browser: Any, platform: Emulator) -> None:  # noqa: ANN401 -- playwright's
    """The emulator's page by day, and on a phone by night, with something of everything on it."""
    with SyncPlatformClient(platform.url, platform.token, env={}) as client:
        page = browser.new_page(viewport={"width": PNG_SIZE[0], "height": PNG_SIZE[1]}, color_scheme="light")
        page.goto(platform.url)
        client.submit_code_block_execution(IDS["sleep"], {"seconds": 20})
        client.execute_code_block(IDS["sleep"], {"seconds": 4})
        platform.inject({"kind": "drop_after", "method": "POST"})
        client.execute_agent(IDS["answer"], {"question": "What are the trends?"})
        for component, inputs, seconds in (("fail", {"message": "no such file"}, 60), ("sleep", {"seconds": 60}, 2)):
            try:
                client.execute_code_block(IDS[component], inputs, timeout_seconds=seconds)
            except PlatformClientError as error:
                print(f"on the page: {error.message}")
        client.cancel_execution(client.submit_workflow_execution(IDS["pipeline"])["execution_id"])
        platform.inject({"kind": "status", "status": 503, "times": 3, "path": "/executions"})
        page.wait_for_selector("text=status 503")
        save(page, "emulator_page")
        phone = browser.new_page(viewport={"width": PHONE_SIZE[0], "height": PHONE_SIZE[1]}, color_scheme="dark")
        phone.goto(platform.url)
        phone.wait_for_selector("text=status 503")
        save(phone, "emulator_page_phone")
        page.close()
        phone.close()


def show_the_site(browser: Any) -> None:  # noqa: ANN401 -- playwright's
    """A page of the tutorial, and one of the reference."""
    page = browser.new_page(viewport={"width": PNG_SIZE[0] + 300, "height": PNG_SIZE[1]}, color_scheme="light")
    for name, path in (("site_tutorial", "tutorial.html"), ("site_reference", "reference/clients.html")):
        page.goto((SITE / path).as_uri())
        page.wait_for_load_state("networkidle")
        save(page, name)
    page.close()


def save(page: Any, name: str) -> None:  # noqa: ANN401 -- playwright's
    """What is seen of the page, in few colours."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    image.save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
