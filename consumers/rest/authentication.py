"""Who calls over HTTP: the bearer of an access token. Reads a header, asks the accounts."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from domain.accounts import tokens
from domain.accounts.models import User
from domain.accounts.tokens import Bearer

SCHEME = "Bearer"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access>`; without the header nobody is calling."""

    def authenticate(self, request: Request) -> tuple[User, Bearer] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower() or not token:
            return None
        bearer = tokens.read_access(token.strip())
        return bearer.user, bearer

    def authenticate_header(self, request: Request) -> str:
        """RFC 9110, 11.6.1: a 401 says how to do better."""
        return f'{SCHEME} realm="api"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
