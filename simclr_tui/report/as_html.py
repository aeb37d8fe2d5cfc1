"""Write a report as one HTML file that needs nothing else: no script, no style sheet, no image beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from simclr_tui.report.blocks import Block, Code, Drawing, Heading, Paragraph, Pictures, Report, Table
from simclr_tui.text import safe

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0; display: block; overflow-x: auto }
table { font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap }
th { white-space: normal; vertical-align: bottom }
th:first-child, td:first-child { text-align: left }
pre { background: #8881; padding: .7rem; overflow-x: auto }
span { white-space: nowrap; margin-right: .8rem; display: inline-block }
figure { display: inline-block; margin: .3rem .6rem .3rem 0; text-align: center; font-size: 12px }
figure img { width: 96px; height: 96px; object-fit: contain; image-rendering: pixelated }
svg { max-width: 100%; height: auto }
"""


def as_html(report: Report) -> str:
    """Return the text of the file. Every word of the report is escaped; the browser is told to run and load nothing."""
    body = "\n".join(_block(block) for block in report.blocks)
    title = _text(report.title)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"<h2>{_text(block.text)}</h2>"
        case Paragraph():
            return f"<p>{_text(block.text)}</p>"
        case Code():
            return f"<pre>{escape(safe(block.text, keep_newlines=True))}</pre>"
        case Drawing():
            return block.svg
        case Pictures():
            return _pictures(block)
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(title)}</th>" for title in table.titles)
    rows = []
    for at, row in enumerate(table.rows):
        shares: Sequence[float | None] = table.shares[at] if table.shares else [None] * len(row)
        rows.append("".join(_cell(cell, share) for cell, share in zip(row, shares, strict=True)))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: str, share: float | None) -> str:
    shade = "" if share is None else f' style="background: rgba(0, 114, 178, {share:.2f})"'
    best = cell.endswith(" *")
    return f"<td{shade}>{'<b>' if best else ''}{_text(cell)}{'</b>' if best else ''}</td>"


def _pictures(block: Pictures) -> str:
    drawn = [_picture(caption, png) for caption, png in block.images]
    groups = ["".join(drawn[at : at + block.together]) for at in range(0, len(drawn), block.together)]
    return "<div>" + "".join(f"<span>{group}</span>" for group in groups) + "</div>"


def _picture(caption: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    said = _text(caption)
    return f'<figure><img alt="{said}" src="data:image/png;base64,{data}"><figcaption>{said}</figcaption></figure>'


def _text(text: str) -> str:
    return escape(safe(text))
