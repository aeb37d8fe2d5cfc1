"""Read and write the user's defaults: `simclr-tui/config.toml` in the user's configuration folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from simclr_tui.atomic import write_file
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.paths import config_path
from simclr_tui.text import did_you_mean, safe

News = Literal["finished", "failed", "lost", "stopped", "diverged", "collapsed", "stalled"]
"""Events that the dashboard reports."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Declare each setting once: its name in the file and for `simclr config`, its type and its meaning."""

    runs: Annotated[str, Meta(description="Run store to use without --runs and SIMCLR_RUNS.")] = ""
    theme: Annotated[str, Meta(description="The dashboard's theme, as its palette names it.")] = ""
    images: Annotated[
        Literal["auto", "kitty", "sixel", "blocks"],
        Meta(description="How the dashboard draws pictures: auto, kitty, sixel or blocks."),
    ] = "auto"
    bell: Annotated[bool, Meta(description="Whether to ring the terminal's bell on each event.")] = False
    readonly: Annotated[bool, Meta(description="Whether the dashboard is read-only.")] = False
    tell: Annotated[tuple[News, ...], Meta(description="Events to report: any of these.")] = get_args(News)
    notify: Annotated[
        tuple[str, ...],
        Meta(
            description="Command to run on each event; {run}, {event} and {message} are filled in, and are in its "
            "environment as SIMCLR_RUN, SIMCLR_EVENT and SIMCLR_MESSAGE."
        ),
    ] = ()
    webhook: Annotated[str, Meta(description="An http(s) address to which each event is sent as JSON.")] = ""
    webhook_field: Annotated[
        str,
        Meta(description="The JSON field in which the webhook wants the message: text (Slack), content (Discord)."),
    ] = "text"

    @property
    def tells(self) -> bool:
        """Return whether a run's events reach the user by a command or a webhook, with no dashboard open."""
        return bool(self.notify or self.webhook)


def read_config() -> Config:
    """Return the file's values over the defaults. Raises RecipeError naming a file that cannot be read."""
    return checked(_values())


def _values() -> dict[str, Any]:
    try:
        path = config_path()
    except StoreError:  # no home folder, and so no file in it
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{safe(str(path))} cannot be read: {error}", "correct it or remove it") from None
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{safe(str(path))} is not TOML: {error}", "correct it or remove it") from None


def checked(values: dict[str, Any]) -> Config:
    """Return the values as a Config. Raises RecipeError naming what is wrong and what was probably meant."""
    for key in values:
        find_key(key)
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise RecipeError(f"the configuration is invalid: {error}", "see simclr config ls") from None
    if config.webhook and not config.webhook.startswith(("http://", "https://")):
        raise RecipeError(f"webhook must be an http(s) address, not {safe(config.webhook)!r}", "or leave it empty")
    return config


_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "busybox", "su"}
_INTERPRETERS = _SHELLS | {"perl", "ruby", "node", "php", "lua", "osascript"}
_REMOTE = {"ssh", "eval", "parallel", "watch"}  # these hand all their words to a shell
_PROGRAM_NEXT = re.compile(r"-[a-zA-Z]*[ceE]|--command|--eval")
_PLACEHOLDER = re.compile(r"\{(?:run|event|message)\}")


def refuse_programs(words: Sequence[str]) -> None:
    """Raise RecipeError where a run's words would become part of a program, which they could then add to."""
    names = [PurePath(word).name for word in words]
    runs_code = any(name in _INTERPRETERS or name.startswith("python") for name in names)
    remote = any(name in _REMOTE for name in names)
    for before, word in zip(["", *words], words, strict=False):
        if _PLACEHOLDER.search(word) and (remote or (runs_code and _PROGRAM_NEXT.fullmatch(before))):
            raise RecipeError(
                f"notify would make a run's words part of a program: {safe(word)!r}",
                'in a script, read them from its environment: "$SIMCLR_MESSAGE", "$SIMCLR_RUN", "$SIMCLR_EVENT"',
            )


def descriptions() -> dict[str, str]:
    """Return what each key means."""
    described = msgspec.inspect.type_info(Config)
    assert isinstance(described, msgspec.inspect.StructType)
    found: dict[str, str] = {}
    for field in described.fields:
        assert isinstance(field.type, msgspec.inspect.Metadata)
        found[field.name] = (field.type.extra_json_schema or {})["description"]
    return found


def find_key(word: str) -> str:
    """Return the key of that name. Raises RecipeError suggesting the nearest one."""
    if word not in Config.__struct_fields__:
        hint = did_you_mean(word, Config.__struct_fields__) or f"the keys are {', '.join(Config.__struct_fields__)}"
        raise RecipeError(f"no key {safe(word)!r} in the configuration", hint)
    return word


def set_value(key: str, words: Sequence[str]) -> Config:
    """Write one key's value from what was typed, or reset it to its default if nothing was. Raises RecipeError."""
    values = _values()
    values.pop(find_key(key), None)
    if words:
        values[key] = _parse(key, words)
    config = checked(values)
    refuse_programs(config.notify)
    _write(config)
    return config


def _parse(key: str, words: Sequence[str]) -> Any:
    kind = type(getattr(Config(), key))
    if kind is tuple:
        return list(words)
    text = " ".join(words)
    if kind is not bool:
        return text
    truth = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if text.lower() not in truth:
        raise RecipeError(f"{key} must be true or false, not {safe(text)!r}", f"e.g. simclr config set {key} true")
    return truth[text.lower()]


def _write(config: Config) -> None:
    import tomli_w

    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    # A webhook's address is a secret: only its owner may read it.
    write_file(path, tomli_w.dumps(msgspec.to_builtins(config)).encode(), private=True)
