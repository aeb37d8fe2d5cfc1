"""Serve the dashboard to a browser, through textual-serve: on loopback alone, and only with the token."""

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

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
_COOKIE = "simclr-token"


def serve(root: Path, port: int, writable: bool, *, told: Callable[[str], object]) -> None:
    """Serve until interrupted; `told` gets the address, whose token lets a browser in. Raises SimclrError."""
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise not_installed("textual-serve", "--serve", "serve") from None
    _check_port(port)
    token = secrets.token_urlsafe(24)
    guard = _guard(token, f"{HOST}:{port}")

    class Guarded(Server):  # type: ignore[misc]
        """The server; it answers no request without the token, and prints nothing."""

        async def _make_app(self) -> web.Application:
            app: web.Application = await super()._make_app()
            app.middlewares.append(guard)
            return app

        async def on_startup(self, app: web.Application) -> None:
            pass

    words = python_module("simclr_tui.cli.main", "tui", "--runs", str(root.absolute()))
    command = shlex.join(words if writable else [*words, "--readonly"])  # textual-serve wants one line for a shell
    app = Guarded(command, host=HOST, port=port, title="simclr")._make_app()
    address = f"http://{HOST}:{port}/?token={token}"
    web.run_app(app, host=HOST, port=port, access_log=None, print=lambda _: told(address))  # printed once it listens


def _check_port(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SimclrError(f"port {port} is not available: {error.strerror}", "give another --port") from None


def _guard(token: str, host: str) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return middleware that requires the token: once in the address, then in a cookie.

    A page of another site knows neither; one that points another host name at this address is refused by that name.
    """
    from aiohttp import web

    def known(given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode(), token.encode())

    @web.middleware  # type: ignore[untyped-decorator]
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        here = request.host == host and request.headers.get("Origin", f"http://{host}") == f"http://{host}"
        if here and request.path == "/" and known(request.query.get("token")):
            entry = web.HTTPFound("/")  # removes the token from the address, and so from the browser's history
            entry.set_cookie(_COOKIE, token, httponly=True, samesite="Strict")
            raise entry
        if not (here and known(request.cookies.get(_COOKIE))):
            raise web.HTTPForbidden(text="open the address that simclr tui --serve printed, with its token\n")
        return await handler(request)

    checked: Callable[..., Awaitable[web.StreamResponse]] = guard
    return checked
