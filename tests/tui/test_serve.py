"""The dashboard in a browser: nothing without the token, the run list with it, and only looking unless asked."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from simclr_tui.tui.serve_page import PAGE, SCRIPT, STYLE
from tests.tui.runs_fabric import fabricate

aiohttp = pytest.importorskip("aiohttp")
URL = pytest.importorskip("yarl").URL
pytest.importorskip("textual_serve")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(tmp_path):
    """Start serving a store with one run; gives the address that is told."""
    fabricate(tmp_path / "runs", "run1", steps=40)
    started = []

    def start(*words: str) -> str:
        command = [sys.executable, "-m", "simclr_tui.cli.main", "tui", "--serve", "--port", str(free_port()), *words]
        environment = os.environ | {"SIMCLR_RUNS": str(tmp_path / "runs"), "XDG_CONFIG_HOME": str(tmp_path)}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        start.errors.append(process.stderr)
        return re.search(r"http://\S+", process.stderr.readline())[0]

    start.errors = []
    yield start
    for process in started:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        process.stderr.close()


async def seen(socket, wanted: str) -> str:
    """All that was drawn until a text was."""
    drawn = ""
    async with asyncio.timeout(60):
        while wanted not in drawn:
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), drawn
            drawn += message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
    return drawn


async def key_of(session, base: str, address: str) -> str:
    """What a browser does with the address that was told: exchange its token."""
    token = urlsplit(address).fragment.removeprefix("token=")
    async with session.post(f"{base}/enter", data=token, headers={"Origin": base}) as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize(("words", "said"), [((), "restart"), (("--writable",), "Delete run1?")])
async def test_the_token_lets_in_and_a_key_changes_the_page(served, words, said):
    address = served(*words)
    base = f"http://{urlsplit(address).netloc}"
    async with aiohttp.ClientSession() as session:
        key = await key_of(session, base, address)
        async with session.ws_connect(f"{base}/ws/{key}?width=120&height=36", origin=base) as browser:
            assert "run1" in await seen(browser, "run1")
            await browser.send_json(["stdin", "d"])
            await seen(browser, said)


# A request (method, path, headers, body) and the answer; KEY, TOKEN, USED and HERE stand for what they say.
REQUESTS = [
    ("GET", "/", {}, "", 200),
    ("GET", "/page.js", {}, "", 200),
    ("GET", "/page.css", {}, "", 200),
    ("GET", "/static/js/textual.js", {}, "", 200),
    ("GET", "/static/fonts/RobotoMono-VariableFont_wght.ttf", {}, "", 200),
    ("GET", "/static", {}, "", 403),
    ("GET", "/static/", {}, "", 403),
    ("GET", "/static/fonts/../../server.py", {}, "", 403),
    ("GET", "/static/fonts/%2e%2e/%2e%2e/server.py", {}, "", 403),
    ("GET", "/static/fonts/..%2f..%2fserver.py", {}, "", 403),
    ("GET", "/ws", {}, "", 403),
    ("GET", "/ws/", {}, "", 403),
    ("GET", "/ws/guess", {"Origin": "HERE"}, "", 403),
    ("GET", "/ws/TOKEN", {"Origin": "HERE"}, "", 403),
    ("GET", "/ws/KEY", {}, "", 403),
    ("GET", "/ws/KEY", {"Origin": "http://evil.example"}, "", 403),
    ("GET", "/ws/KEY", {"Origin": "null"}, "", 403),
    ("GET", "/ws/KEY", {"Origin": "HERE", "Host": "evil.example"}, "", 403),
    ("GET", "/ws/K%C3%A9Y", {"Origin": "HERE"}, "", 403),
    ("GET", "/download/x", {"Origin": "HERE"}, "", 403),
    ("GET", "/?token=TOKEN", {"Cookie": "simclr-token=TOKEN"}, "", 200),  # the page, which holds nothing
    ("GET", "/ws", {"Cookie": "simclr-token=KEY"}, "", 403),
    ("GET", "/", {"Cookie": "simclr-token=\xff\xfe"}, "", 200),
    ("GET", "/", {"Host": "evil.example"}, "", 403),
    ("POST", "/enter", {"Origin": "HERE"}, "guess", 403),
    ("POST", "/enter", {"Origin": "HERE"}, "", 403),
    ("POST", "/enter", {"Origin": "HERE"}, "USED", 403),
    ("POST", "/enter", {}, "TOKEN", 403),
    ("POST", "/enter", {"Origin": "http://127.0.0.1:1"}, "TOKEN", 403),  # another port of this machine
    ("POST", "/enter", {"Origin": "HERE"}, "x" * 5_000, 403),
    ("POST", "/known", {"Origin": "HERE"}, "KEY", 200),
    ("POST", "/known", {"Origin": "HERE"}, "TOKEN", 403),
    ("POST", "/known", {"Origin": "HERE"}, "\udcff", 403),
    ("POST", "/", {"Origin": "HERE"}, "", 403),
    ("PUT", "/enter", {"Origin": "HERE"}, "TOKEN", 403),
    ("GET", "/enter", {}, "", 403),
]


async def test_every_request_gets_what_is_its_due_and_no_more(served, fault):
    fault("F47", len(REQUESTS), "requests with and without token, key, origin and host", few=len(REQUESTS))
    address = served()
    base = f"http://{urlsplit(address).netloc}"
    used = urlsplit(address).fragment.removeprefix("token=")
    each_its_own = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=each_its_own, cookie_jar=aiohttp.DummyCookieJar()) as session:
        key = await key_of(session, base, address)
        token = re.search(r"token=(\S+)", served.errors[0].readline())[1]  # the next one, for another browser

        def meant(word: str) -> str:
            for name, value in {"HERE": base, "TOKEN": token, "USED": used, "KEY": key}.items():
                word = word.replace(name, value)
            return word

        for method, path, headers, body, wanted in REQUESTS:
            url = URL(base + meant(path), encoded=True)
            sent = {name: meant(value) for name, value in headers.items()}
            data = meant(body).encode(errors="surrogateescape")
            async with session.request(method, url, headers=sent, data=data) as answer:
                assert answer.status == wanted, (method, path, headers)
                assert "Set-Cookie" not in answer.headers
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                shown = await answer.text(errors="replace")
                assert not any(secret in shown for secret in (token, used, key)), path


async def test_the_page_fetches_nothing_from_elsewhere():
    found = re.findall(r"""(?:https?:)?//[^\s"'`$]+""", re.sub(r"(?m)^\s*//.*$", "", PAGE + STYLE + SCRIPT))
    assert found == []


def test_a_port_that_is_taken_is_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "simclr_tui.cli.main", "tui", "--serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert f"port {port} is not available" in done.stderr
    assert "Traceback" not in done.stderr
