"""Another SDK hides all of this behind its own transport, here over `http.client`, and its own errors."""

import http.client
import time
import uuid
from urllib.parse import urlsplit

from platform_core import ClientConfig, FailureCause, Headers, Limits, OutgoingRequest, PlatformClientError, Response, Token, execute_agent
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.drive import run_sync
from platform_transports.tokens import SyncTokens

ANSWER = next(each.component_id for each in COMPONENTS if each.name == "answer")


class AcmeError(Exception):
    """The only error that users of the Acme SDK ever see."""


class AcmeTransport:
    """Sends one request, reads one answer, decides nothing. A real one would reuse connections, and count all that it reads."""

    name = "acme"

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        url = urlsplit(request.url)
        connection = http.client.HTTPConnection(url.netloc, timeout=max(deadline - time.monotonic(), 0.001))
        progress.sent = "maybe"  # never say "no" unless you know
        try:
            headers = dict([*request.headers, credentials])
            connection.request(request.method, url._replace(scheme="", netloc="").geturl(), request.body.content, headers)
            answer = connection.getresponse()
            return Response(answer.status, Headers(tuple(answer.getheaders())), answer.read(limits.response_body_bytes_max))
        except (OSError, http.client.HTTPException) as error:
            kind = FailureCause.TIMEOUT if isinstance(error, TimeoutError) else FailureCause.READ
        finally:
            connection.close()
        raise TransportError(kind, progress.sent)  # outside of `except`: no chain into a library

    def close(self) -> None: ...


def ask(url: str, token: str, question: str) -> object:
    """What the Acme SDK offers: a question in, an answer out."""
    operation = execute_agent(ANSWER, {"question": question}, seed=uuid.uuid4())
    tokens = SyncTokens(Token.checked(token, "token"))
    try:
        return run_sync(operation, transport=AcmeTransport(), config=ClientConfig.from_env({}, base_url=url), tokens=tokens).get("result")
    except PlatformClientError as error:
        failure = AcmeError(error.message)
    raise failure


if __name__ == "__main__":
    with Emulator() as platform:
        print(ask(platform.url, platform.token, "What are the trends?"))
