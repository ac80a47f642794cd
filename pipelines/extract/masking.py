"""Keep secrets out of everything that is shown or stored.

Comes in: a location or a message. Goes out: the same without its password or token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote

# Up to the last @: people type passwords with an @ in them, and Azure's users are called user@server.
_PASSWORD = re.compile(r"(?P<before>://[^\s:/]*:)(?P<secret>\S+)(?=@)")
_IN_QUERY = re.compile(
    r"(?P<before>(?:password|passwd|pwd|token|secret|access_?key|api_?key)(?:=|%3d))"
    r"(?P<secret>(?!\$\{[A-Z][A-Z0-9_]*\})(?:(?!%3b)[^\s&;}'\"])+)",
    re.I,
)

_NO_SCHEME = re.compile(r"^(?P<before>[^\s:/]+:)(?!//)\S+(?=@)")
_SHORT = 3  # such a piece alone would be masked in the middle of words


def mask_typed(location: str) -> str:
    """The same of what the user typed, who may have left out mysql://."""
    return mask_location(_NO_SCHEME.sub(r"\g<before>***", location))


def mask_location(location: str) -> str:
    """`location` with *** for every password and token in it that is written out."""
    return _IN_QUERY.sub(r"\g<before>***", _PASSWORD.sub(r"\g<before>***", location))


def secrets_in(location: str) -> set[str]:
    """The passwords and tokens in `location`, as written and decoded.

    Of one with an @ in it also what follows: a driver takes that for the host, and says so.
    """
    found = {match["secret"] for match in _PASSWORD.finditer(location)}
    pieces = [piece for secret in found for piece in secret.split("@")[1:]]
    found |= {piece if len(piece) > _SHORT else f"{piece}@" for piece in pieces}
    found |= {match["secret"] for match in _IN_QUERY.finditer(location)}
    return found | {unquote(secret) for secret in found}


def mask(message: str, secrets: Iterable[str]) -> str:
    """`message` with *** for every one of `secrets`, also where it is URL-quoted."""
    message = mask_location(message)
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}:
            if form:
                message = message.replace(form, "***")
    return message
