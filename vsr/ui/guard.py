"""Who may ask: the token, the names that this server has, and pages of its own alone."""

from __future__ import annotations

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import answer

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_READING = {"GET", "HEAD"}
_TYPES = ("application/json", "application/octet-stream")
_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
    "object-src 'none'; img-src 'self' data: blob:; media-src 'self' blob:"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """Lets through what is allowed, and says in every answer what a browser may do with it.

    - Host names this server, so that no other name can be led to it (DNS rebinding).
    - Origin, where there is one, is this server's.
    - /api needs the token, as a cookie or as `Authorization: Bearer`.
    - What changes something, sent with the cookie, must say that it comes from a page of this
      server: by Origin or Sec-Fetch-Site; and hold JSON or bytes, as no form of another page can.

    Args:
        app: what is guarded.
        token: what requests must know.
        host: where the server listens.
        cookie: the name of the cookie; cookies do not know of ports.
    """

    def __init__(self, app: ASGIApp, token: str, host: str, cookie: str) -> None:
        self._app, self._token, self._host, self._cookie = app, token, host, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _POLICY)
                headers.setdefault("Cache-Control", "no-store")
                headers.update(_HEADERS)
            await send(message)

        refused = self._refusal(Request(scope))
        await (refused or self._app)(scope, receive, guarded)

    def _refusal(self, request: Request) -> Response | None:
        headers, path = request.headers, request.url.path
        if not self._is_ours(headers.get("host", "")):
            return _no(421, "this server does not go by that name")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower():
            return _no(403, "requests of other pages are not answered")
        if path == "/" and "token" in request.query_params:
            return self._enter(request)
        if not path.startswith("/api/"):
            return None
        bearer = _bearer(headers)
        if not self._knows(bearer) and not self._knows(self._cookie_of(headers)):
            return _no(401, "the token is missing or wrong: open the address that `vsr ui` shows")
        return self._change(request, origin, self._knows(bearer))

    def _change(self, request: Request, origin: str | None, bearer: bool) -> Response | None:
        if request.method in _READING:
            return None
        site = request.headers.get("sec-fetch-site")
        if site not in (None, "same-origin") or (origin is None and site is None and not bearer):
            return _no(403, "what changes something must come from this server's own page")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _TYPES and request.method != "DELETE":
            return _no(415, f"the content type must be {' or '.join(_TYPES)}")
        return None

    def _enter(self, request: Request) -> Response:
        """The token of the address becomes a cookie, and leaves the address."""
        given = parse_qs(request.url.query).get("token", [""])[0]
        if not self._knows(given):
            return PlainTextResponse("vsr: wrong token: open the address that `vsr ui` shows", 403)
        response = Response(status_code=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, given, httponly=True, samesite="strict", path="/")
        return response

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _cookie_of(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return found.value if found else ""

    def _is_ours(self, host: str) -> bool:
        """Whether a Host is one of this server's; behind `ssh -L` the port is another."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
            _ = urlsplit(f"//{host}").port
        except ValueError:
            return False
        if self._host in _LOOPBACK:
            return name in _LOOPBACK
        return name in _LOOPBACK or name == self._host.lower() or _is_address(name)


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _is_address(name: str) -> bool:
    """Whether a name is an address by itself, which nobody can lead elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _no(status: int, why: str) -> Response:
    return answer({"error": why}, status)
