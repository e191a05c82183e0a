"""What users of the Acme SDK see: a key in, answers out."""

import uuid

from platform_core import ClientConfig, Token, execute_agent

from .driver import Driver


class Acme:
    """Asks Acme's assistant. Not for more than one thread at a time.

    Raises `TypeError` or `ValueError` for a URL or a key that cannot be one.
    """

    def __init__(self, url: str, key: str, assistant: str) -> None:
        config = ClientConfig.from_env({}, base_url=url)
        self._assistant = assistant
        self._driver = Driver(config, Token.checked(key, "key"))

    def ask(self, question: str, *, patience_seconds: float = 60.0) -> object:
        """The answer. A Ctrl-C takes the question back before it is raised again. Raises `AcmeError`."""
        asked = execute_agent(self._assistant, {"question": question}, timeout_seconds=patience_seconds, seed=uuid.uuid4())
        return self._driver.run(asked).get("result")
