"""Credentials of a REST system, from the variables that its YAML names.

Comes in: a spec. Goes out: dlt's authenticator, which puts them into each request, and the secrets, to be
masked in messages. Variables are resolved here, at the moment of use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)

from pipelines.errors import GuikeError
from pipelines.extract.masking import mask_location, secrets_in
from pipelines.extract.options import ApiKeyAuth, BasicAuth, OAuth2Auth, TokenAuth
from pipelines.extract.rest_http import BadAnswer, PatientSession, Renew, broken_reason
from pipelines.extract.specs import SystemSpec
from pipelines.i18n import t
from pipelines.settings import expand


@dataclass
class Credentials:
    """What goes into each request.

    Attributes:
        auth: dlt's authenticator, or None for an open service.
        query_name: the query parameter that holds a key.
        renew: how to get new ones after a 401.
        secrets: the values that must not be shown.
    """

    auth: AuthConfigBase | None = None
    query_name: str | None = None
    renew: Renew | None = None
    secrets: set[str] = field(default_factory=set)


def credentials(spec: SystemSpec) -> Credentials:
    """The credentials that `spec` names.

    Raises:
        GuikeError: a variable isn't set.
    """
    auth = TokenAuth(type="token", token=spec.token) if spec.token else spec.auth
    if isinstance(auth, TokenAuth):
        token = expand(auth.token)
        return Credentials(BearerTokenAuth(token), secrets={token})
    if isinstance(auth, BasicAuth):
        password = expand(auth.password)
        return Credentials(HttpBasicAuth(expand(auth.user), password), secrets={password})
    if isinstance(auth, ApiKeyAuth):
        key = expand(auth.key)
        name = auth.name if auth.place == "query" else None
        return Credentials(APIKeyAuth(auth.name, key, auth.place), query_name=name, secrets={key})
    if isinstance(auth, OAuth2Auth):
        return _oauth2(spec, auth)
    parts = urlsplit(expand(spec.location))
    if parts.username is None:
        return Credentials()
    user, password = unquote(parts.username), unquote(parts.password or "")
    return Credentials(HttpBasicAuth(user, password), secrets=secrets_in(expand(spec.location)))


def address(spec: SystemSpec) -> str:
    """The location of `spec` without a user and password, so that links made from it hold none.

    Raises:
        GuikeError: it is no address of a service.
    """
    location = expand(spec.location)
    try:
        parts = urlsplit(location)
        if parts.scheme in ("http", "https") and parts.hostname:
            return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        pass
    raise GuikeError(
        t("{system}: {location} is not the address of a service.", system=spec.name,
          location=mask_location(location)),
        t("Write location as https://host/path."),
    )  # fmt: skip


def _oauth2(spec: SystemSpec, auth: OAuth2Auth) -> Credentials:
    secret = expand(auth.client_secret)
    client = _ClientCredentials(
        access_token_url=expand(auth.token_url),
        client_id=expand(auth.client_id),
        client_secret=secret,
        access_token_request_data={"scope": auth.scope} if auth.scope else {},
        session=PatientSession(spec.limits),
    )
    client.limits = spec.limits

    def renew(request: requests.PreparedRequest) -> None:
        client.obtain_token()
        client(request)

    return Credentials(client, renew=renew, secrets={secret})


class _ClientCredentials(OAuth2ClientCredentials):
    """dlt's, with errors that say that it was the token which couldn't be had."""

    limits: Any = None

    def obtain_token(self) -> None:
        try:
            super().obtain_token()
        except requests.JSONDecodeError:
            raise _no_token() from None
        except requests.RequestException as error:
            reason, remedy = broken_reason(error, self.limits)
            if isinstance(error, BadAnswer):
                remedy = t("Check token_url, and the variables that auth names.")
            raise BadAnswer(t("token_url gives no token: {reason}", reason=reason), remedy) from None
        except (ValueError, TypeError):
            raise _no_token() from None

    def parse_access_token(self, response_json: Any) -> str:
        token = response_json.get("access_token") if isinstance(response_json, dict) else None
        if not token:
            raise ValueError("access_token")
        return str(token)


def _no_token() -> BadAnswer:
    return BadAnswer(
        t("the answer of token_url is no token with its lifetime"),
        t("Check token_url, and the variables that auth names."),
    )
