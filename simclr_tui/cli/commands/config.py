"""`simclr config`: show and set the user's defaults."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import AsJson
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.text import safe

app = typer.Typer(help="Show and set your defaults: run store, theme, bell, notifications.", no_args_is_help=True)


def complete_key(incomplete: str) -> list[str]:
    """Return keys for shell completion."""
    from simclr_tui.config import Config

    return [key for key in Config.__struct_fields__ if key.startswith(incomplete)]


Key = Annotated[
    str, typer.Argument(metavar="KEY", help="A key that `simclr config ls` lists.", autocompletion=complete_key)
]


@app.command("ls")
def ls(json: AsJson = False) -> None:
    """List every key with its value and meaning."""
    import msgspec

    from simclr_tui.config import Config, descriptions, read_config
    from simclr_tui.paths import config_path

    config, default = read_config(), Config()
    if json:
        values = msgspec.structs.asdict(config)
        return output.data_json(values)
    rows = []
    for key, about in descriptions().items():
        value = getattr(config, key)
        rows.append([key, value_text(value), "" if value == getattr(default, key) else "set", about])
    output.facts("key", rows)
    try:
        return output.talk(f"stored in {safe(str(config_path()))}")
    except StoreError as error:  # no home folder: all are defaults
        return output.talk(str(error))


@app.command("get")
def get(key: Key) -> None:
    """Print one value."""
    from simclr_tui.config import find_key, read_config

    output.data(safe(value_text(getattr(read_config(), find_key(key)))))


@app.command("set", context_settings={"ignore_unknown_options": True})
def set_key(
    key: Key, words: Annotated[list[str], typer.Argument(metavar="VALUE…", help="Several words form a list.")]
) -> None:
    """Set a value, for example `simclr config set notify notify-send {run} {message}`."""
    from simclr_tui.config import set_value
    from simclr_tui.paths import config_path

    if key == "theme":
        _check_theme(" ".join(words))
    config = set_value(key, words)
    output.talk(f"{key} = {value_text(getattr(config, key))} (stored in {safe(str(config_path()))})")


@app.command("unset")
def unset(key: Key) -> None:
    """Reset a value to its default."""
    from simclr_tui.config import set_value

    output.talk(f"{key} is back to its default: {value_text(getattr(set_value(key, []), key)) or 'none'}")


def _check_theme(word: str) -> None:
    """Raise RecipeError for a theme that the installed Textual does not have."""
    from textual.theme import BUILTIN_THEMES

    from simclr_tui.text import did_you_mean

    if word not in BUILTIN_THEMES:
        hint = did_you_mean(word, BUILTIN_THEMES) or f"choose from {', '.join(sorted(BUILTIN_THEMES))}"
        raise RecipeError(f"no theme {safe(word)!r}", hint)


def value_text(value: Any) -> str:
    """Return the value as it would be typed."""
    import shlex

    if isinstance(value, bool):
        return "true" if value else "false"
    return shlex.join(value) if isinstance(value, tuple) else str(value)
