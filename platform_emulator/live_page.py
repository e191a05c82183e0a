"""The emulator's page at `/`, and its JSON below `/_emulator/`: for the browser of whoever runs the emulator, and for no other page in it.

Rule 1: nothing here is the platform: it is neither logged among the requests nor met by a fault, and needs no token, so that none is in it.
Rule 2: it is answered under an IP address or as localhost alone. A name that somebody else has pointed here (DNS rebinding) is refused.
Rule 3: a fault is injected as `application/json` alone, which a page of another origin cannot send without being asked first, and we
        never answer that question; and where the browser says whose page it is, by `Origin` or `Sec-Fetch-Site`, it must be this one.
"""

import asyncio
import json
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from platform_core.messages import Response

from .answers import error_answer, json_answer, not_found
from .fault_json import as_fault
from .live_state import LATEST_MAX, state_of
from .service import Service

PREFIX = "/_emulator/"
STATE, FAULTS = f"{PREFIX}state.json", f"{PREFIX}faults"
BODY_BYTES_MAX = 64 * 1024
BODY_SECONDS_MAX = 10.0
_READING = ("GET", "HEAD")
_FOLDER = Path(__file__).parent / "live"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _File(NamedTuple):
    name: str
    media_type: str


_FILES = {
    "/": _File("page.html", "text/html"),
    f"{PREFIX}page.css": _File("page.css", "text/css"),
    f"{PREFIX}page.js": _File("page.js", "text/javascript"),
}


class LivePage:
    """An ASGI application in front of the platform's: answers for the page, and hands on everything else."""

    def __init__(self, platform: ASGIApp, service: Service) -> None:
        self._platform = platform
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_the_page = scope["path"] == "/" and scope["method"] in _READING
        if not is_the_page and not scope["path"].startswith(PREFIX):
            await self._platform(scope, receive, send)
            return
        request = HttpRequest(scope, receive)
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await _body(request)  # before any answer: once a body turns out broken, uvicorn has given its own
        except ClientDisconnect:
            return
        except TimeoutError:
            answer = _sent(error_answer(408, "REQUEST_TIMEOUT", f"the body must come within {BODY_SECONDS_MAX:g} s"))
        else:
            too_large = error_answer(413, "TOO_LARGE", f"at most {BODY_BYTES_MAX} bytes are taken")
            answer = _sent(too_large) if body is None else self._answer(request, body)
        await answer(scope, receive, send)

    def _answer(self, request: HttpRequest, body: bytes) -> HttpResponse:
        path, method = request.url.path, request.method
        if not _is_this_machine(request.headers.get("host", "")):
            return _sent(error_answer(421, "MISDIRECTED", "this page is served under an IP address or as localhost"))
        if path == FAULTS:
            return _sent(self._injected(request, body)) if method == "POST" else _not_allowed("POST")
        if path not in _FILES and path != STATE:
            return _sent(not_found(path))
        if method not in _READING:
            return _not_allowed(", ".join(_READING))
        if path == STATE:
            return _sent(json_answer(200, state_of(self._service.watched(LATEST_MAX))))
        file = _FILES[path]
        return HttpResponse((_FOLDER / file.name).read_bytes(), headers=_HEADERS, media_type=file.media_type)

    def _injected(self, request: HttpRequest, body: bytes) -> Response:
        refusal = _refusal(request)
        if refusal is not None:
            return refusal
        try:
            fault = as_fault(json.loads(body))
        except RecursionError:
            return error_answer(400, "INVALID_FAULT", "a fault is not nested so deeply")
        except (TypeError, ValueError) as error:
            return error_answer(400, "INVALID_FAULT", str(error))
        self._service.inject(fault)
        return Response(204)


async def _body(request: HttpRequest) -> bytes | None:
    """The body, whole; None where it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _refusal(request: HttpRequest) -> Response | None:
    """Rule 3."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return error_answer(415, "UNSUPPORTED_MEDIA_TYPE", "a fault comes as application/json")
    origin = request.headers.get("origin")
    if origin not in (None, f"{request.url.scheme}://{request.headers.get('host')}") or request.headers.get("sec-fetch-site") not in (
        None,
        "none",
        "same-origin",
    ):
        return error_answer(403, "FOREIGN_PAGE", "a page of another origin injects no faults here")
    return None


def _is_this_machine(host: str) -> bool:
    """Rule 2."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


def _not_allowed(allowed: str) -> HttpResponse:
    return _sent(error_answer(405, "METHOD_NOT_ALLOWED", f"allowed: {allowed}", (), ("Allow", allowed)))


def _sent(response: Response) -> HttpResponse:
    return HttpResponse(response.body, response.status, headers=_HEADERS | dict(response.headers))
