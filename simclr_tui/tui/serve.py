"""Serve the dashboard to a browser, through textual-serve: on loopback alone, and only with a token."""

from __future__ import annotations

import hmac
import secrets
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from simclr_tui.errors import SimclrError
from simclr_tui.interpreter import python_module
from simclr_tui.store.export.target import not_installed
from simclr_tui.tui.serve_page import PAGE, SCRIPT, STYLE

if TYPE_CHECKING:
    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOST = "127.0.0.1"
_LONGEST = 1000  # bytes of a request's body


def serve(root: Path, port: int, writable: bool, *, announce: Callable[[str], object]) -> None:
    """Serve until interrupted. Raises SimclrError.

    `announce` gets an address whose token lets one browser in; once it was used, it gets the next.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise not_installed("textual-serve", "--serve", "serve") from None
    _check_port(port)
    entry = Entry(lambda token: announce(f"http://{HOST}:{port}/#token={token}"))

    class Guarded(Server):  # type: ignore[misc]
        """Serve our own page; it opens no dashboard without a key, and prints nothing."""

        async def _make_app(self) -> web.Application:
            app: web.Application = await super()._make_app()
            app.middlewares.append(_guard(entry, f"{HOST}:{port}"))
            app.router.add_get("/ws/{key}", self.handle_websocket)
            _add_page(app, entry)
            return app

        async def on_startup(self, app: web.Application) -> None:
            pass

    words = python_module("simclr_tui.cli.main", "tui", "--runs", str(root.absolute()))
    command = shlex.join(words if writable else [*words, "--readonly"])  # textual-serve wants one line for a shell
    app = Guarded(command, host=HOST, port=port, title="simclr")._make_app()
    web.run_app(app, host=HOST, port=port, access_log=None, print=lambda _: entry.offer())  # once it listens


def _check_port(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SimclrError(f"port {port} is not available: {error.strerror}", "give another --port") from None


class Entry:
    """Exchange tokens, each of which works once, for keys, each of which stays with one browser."""

    def __init__(self, offered: Callable[[str], object]) -> None:
        self._offered = offered
        self._token = ""
        self._keys: list[str] = []

    def offer(self) -> None:
        """Make the next token and tell it."""
        self._token = secrets.token_urlsafe(24)
        self._offered(self._token)

    def key_for(self, token: str) -> str | None:
        """Return a new key for the token that was offered last, and offer another; None for any other word."""
        if not self._token or not _same(token, self._token):
            return None
        self._keys.append(secrets.token_urlsafe(24))
        self.offer()
        return self._keys[-1]

    def knows(self, key: str) -> bool:
        return any(_same(key, known) for known in self._keys)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _add_page(app: web.Application, entry: Entry) -> None:
    """Add the page's files, and the two questions that its script asks."""
    from aiohttp import web

    def fixed(text: str, kind: str) -> Handler:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(text=text, content_type=kind)

        return answer

    async def enter(request: web.Request) -> web.StreamResponse:
        key = entry.key_for(await _body(request))
        return web.Response(text=key) if key else _forbidden()

    async def known(request: web.Request) -> web.StreamResponse:
        return web.Response(text="yes") if entry.knows(await _body(request)) else _forbidden()

    app.router.add_get("/page.js", fixed(SCRIPT, "text/javascript"))
    app.router.add_get("/page.css", fixed(STYLE, "text/css"))
    app.router.add_post("/enter", enter)
    app.router.add_post("/known", known)


async def _body(request: web.Request) -> str:
    body: bytes = await request.content.read(_LONGEST)
    return body.decode(errors="replace")


def _forbidden() -> web.Response:
    from aiohttp import web

    return web.Response(status=403, text="open the address that simclr tui --serve printed last: each works once\n")


# Files of the page that hold nothing of anybody's; all else needs a key.
_OPEN = (
    "/",
    "/page.js",
    "/page.css",
    "/static/css/xterm.css",
    "/static/js/textual.js",
    "/static/fonts/RobotoMono-VariableFont_wght.ttf",
    "/static/fonts/RobotoMono-Italic-VariableFont_wght.ttf",
)


def _guard(entry: Entry, host: str) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return middleware that lets the page's own files through, and a dashboard's connection with its key.

    A page of another site, or one that points another host name at this address, is refused by Origin and Host.
    """
    from aiohttp import web

    def allowed(request: web.Request) -> bool:
        if request.host != host or request.headers.get("Origin", f"http://{host}") != f"http://{host}":
            return False
        if request.method == "POST":  # asked by our page alone: every browser says where a POST comes from
            return "Origin" in request.headers and request.path in ("/enter", "/known")
        if request.path.startswith("/ws/"):
            return "Origin" in request.headers and entry.knows(request.match_info.get("key", ""))
        return request.method in ("GET", "HEAD") and request.path in _OPEN

    @web.middleware  # type: ignore[untyped-decorator]
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not allowed(request):
            answer: web.StreamResponse = _forbidden()
        elif request.path == "/":
            answer = web.Response(text=PAGE, content_type="text/html")
        else:
            answer = await handler(request)
        if not answer.prepared:
            answer.headers.update(_headers(host))
        return answer

    checked: Callable[..., Awaitable[web.StreamResponse]] = guard
    return checked


def _headers(host: str) -> dict[str, str]:
    """Return the headers of every answer: nothing from elsewhere, no frame, no copy kept, no referrer."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",  # the terminal writes its own styles
        "font-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' ws://{host}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
