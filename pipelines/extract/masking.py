"""Keep secrets out of everything that is shown or stored.

Comes in: a location or a message. Goes out: the same without its password or token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote

_PASSWORD = re.compile(r"(?P<before>://[^\s:/@]*:)(?P<password>[^\s@]+)(?=@)")


def mask_location(location: str) -> str:
    """`location` with *** for the password of every URL in it."""
    return _PASSWORD.sub(r"\g<before>***", location)


def secrets_in(location: str) -> set[str]:
    """The passwords in `location`, as written and decoded."""
    found = {match["password"] for match in _PASSWORD.finditer(location)}
    return found | {unquote(password) for password in found}


def mask(message: str, secrets: Iterable[str]) -> str:
    """`message` with *** for every one of `secrets`, also where it is URL-quoted."""
    message = mask_location(message)
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}:
            if form:
                message = message.replace(form, "***")
    return message
