"""The page that shows the served dashboard in a browser. It holds no secret, and nothing in it comes from elsewhere."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>simclr</title>
    <link rel="stylesheet" href="/static/css/xterm.css">
    <link rel="stylesheet" href="/page.css">
    <script src="/page.js" defer></script>
  </head>
  <body>
    <p id="said" role="status"></p>
    <div id="terminal" class="textual-terminal" data-font-size="16"></div>
  </body>
</html>
"""

STYLE = """
@font-face { font-family: "Roboto Mono"; src: url("/static/fonts/RobotoMono-VariableFont_wght.ttf"); }
@font-face {
  font-family: "Roboto Mono"; font-style: italic;
  src: url("/static/fonts/RobotoMono-Italic-VariableFont_wght.ttf");
}
body { background: #0c181f; color: #ffffffcc; margin: 0; }
#said { font: 16px "Roboto Mono", monospace; text-align: center; margin: 0; }
#said:not(:empty) { padding: 3em 1em; }
body.-closed .textual-terminal { display: none; }
"""

# The token comes behind a `#`, which no browser sends to a server, and is exchanged for a key. The key is kept by the
# browser for this address and port alone, unlike a cookie, which every port of 127.0.0.1 would be sent.
SCRIPT = """
"use strict";

const KEY = "simclr-key";
const said = document.getElementById("said");

async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", body });
  return answer.ok ? await answer.text() : null;
}

async function enter() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", "/");
    const key = await ask("/enter", token);
    if (key) localStorage.setItem(KEY, key);
  }
  const key = localStorage.getItem(KEY);
  return key && (await ask("/known", key)) ? key : null;
}

function closes() {
  if (!document.body.classList.contains("-closed")) return;
  said.textContent = "The session has ended. Reload the page to go on.";
}

async function show() {
  const key = await enter();
  if (!key) {
    said.textContent = "Open the address that simclr tui --serve printed last: each works once.";
    return;
  }
  document.getElementById("terminal").dataset.sessionWebsocketUrl = `ws://${location.host}/ws/${key}`;
  await document.fonts.load('16px "Roboto Mono"');
  new MutationObserver(closes).observe(document.body, { attributeFilter: ["class"] });
  const program = document.createElement("script");
  program.src = "/static/js/textual.js";
  program.onload = () => window.onload();
  document.body.append(program);
}

show();
"""
