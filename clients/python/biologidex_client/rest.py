"""The few REST calls that come before a socket: register, log in, refresh, log out; standard library only, run in a thread."""

import asyncio
import json
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from .errors import RequestFailed, Unreachable

API = "/api/v1"
KNOWN_KEYS = ("detail", "code", "retry_after", "error_id")


def is_loopback(base_url: str) -> bool:
    """Whether the address is this machine, which no proxy of the environment can reach for us."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _opener(base_url: str) -> OpenerDirector:
    return build_opener(ProxyHandler({})) if is_loopback(base_url) else build_opener()


def _refusal(status: int, text: bytes) -> RequestFailed:
    """The REST body `{detail, code, <field>: [messages]}` as the error object that the socket would have sent."""
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    error = {key: value for key, value in body.items() if key in KNOWN_KEYS}
    error["message"] = body.get("detail", f"HTTP {status}")
    error["fields"] = {key: value for key, value in body.items() if key not in KNOWN_KEYS and isinstance(value, list)}
    return RequestFailed(error, status=status)


def _call(method: str, base_url: str, path: str, body: dict[str, Any] | None, token: str | None, timeout_s: float) -> dict[str, Any]:
    if urlsplit(base_url).scheme not in ("http", "https"):
        raise ValueError(f"A base URL starts with http:// or https://, not like {base_url!r}.")
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = Request(base_url.rstrip("/") + path, data=content, headers=headers, method=method)  # noqa: S310 - scheme checked above
    try:
        with _opener(base_url).open(request, timeout=timeout_s) as response:
            text = response.read()
    except HTTPError as refused:
        with refused:
            raise _refusal(refused.code, refused.read()) from None
    except (URLError, OSError) as problem:
        raise Unreachable(f"{base_url} does not answer: {problem}") from problem
    return json.loads(text) if text else {}


async def call(
    method: str, base_url: str, path: str, *, body: dict[str, Any] | None = None, token: str | None = None, timeout_s: float = 15
) -> dict[str, Any]:
    """One REST call; `path` begins with a slash. Raises RequestFailed for an answer of 400 or above, Unreachable for none."""
    return await asyncio.to_thread(_call, method, base_url, path, body, token, timeout_s)


@dataclass(frozen=True)
class Account:
    """Somebody who is logged in."""

    base_url: str
    user_id: str
    username: str
    access: str
    refresh: str

    @classmethod
    async def register(cls, base_url: str, username: str, email: str, password: str) -> "Account":
        """Make the account and log it in."""
        body = {"username": username, "email": email, "password": password, "password_confirm": password}
        await call("POST", base_url, f"{API}/users/", body=body)
        return await cls.login(base_url, username, password)

    @classmethod
    async def login(cls, base_url: str, username: str, password: str) -> "Account":
        answer = await call("POST", base_url, f"{API}/auth/login/", body={"username": username, "password": password})
        user = answer["user"]
        return cls(base_url, str(user["id"]), user["username"], answer["access"], answer["refresh"])

    async def renewed(self) -> "Account":
        """The same login with a fresh access token (and refresh token, where the server rotates them)."""
        answer = await call("POST", self.base_url, f"{API}/auth/refresh/", body={"refresh": self.refresh})
        return replace(self, access=answer["access"], refresh=answer.get("refresh", self.refresh))

    async def logout(self, *, everywhere: bool = False) -> None:
        """End this login (`everywhere`: all logins of the account); its sockets close with 4403."""
        body: dict[str, Any] = {"refresh": self.refresh}
        if everywhere:
            body["everywhere"] = True
        await call("POST", self.base_url, f"{API}/auth/logout/", body=body, token=self.access)

    async def get(self, path: str) -> dict[str, Any]:
        """GET a path below the API's root, such as `/mailbox/?after=0`."""
        return await call("GET", self.base_url, API + path, token=self.access)
