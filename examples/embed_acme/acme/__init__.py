"""The Acme SDK: an example of one that hides whose client it stands on.

What is imported from `platform_core` in this checkout is a copy inside the package once the SDK is built:
`python tools/vendor.py copy PACKAGE`. It then needs nothing but the standard library.
"""

from .client import Acme
from .errors import AcmeBusyError, AcmeDeniedError, AcmeError, AcmeFailedError

__all__ = ["Acme", "AcmeBusyError", "AcmeDeniedError", "AcmeError", "AcmeFailedError"]
