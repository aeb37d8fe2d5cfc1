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

from tests.tui.runs_fabric import fabricate

aiohttp = pytest.importorskip("aiohttp")
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
        return re.search(r"http://\S+", process.stderr.readline())[0]

    yield start
    for process in started:
        process.send_signal(signal.SIGINT)
        process.wait(20)
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


@pytest.mark.parametrize(("words", "said"), [((), "read-only: restart"), (("--writable",), "Delete run1?")])
async def test_the_token_lets_in_and_a_key_changes_the_page(served, words, said):
    address = served(*words)
    place = urlsplit(address)
    base = f"http://{place.netloc}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(address) as page:
            assert page.status == 200
            assert "token" not in str(page.url)
        async with session.ws_connect(f"{base}/ws?width=120&height=36") as browser:
            assert "run1" in await seen(browser, "run1")
            await browser.send_json(["stdin", "d"])
            await seen(browser, said)


async def test_nothing_is_given_without_the_token_or_to_another_site(served):
    address = served()
    base = f"http://{urlsplit(address).netloc}"
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/ws", "/static/js/textual.js", "/?token=guess", "/download/x"):
            async with session.get(base + path) as answer:
                assert answer.status == 403, path
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        await session.get(address)
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            async with session.get(f"{base}/ws", headers=headers) as answer:
                assert answer.status == 403, headers


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
