"""Turn the Recipe's fields into command-line options, from their declarations."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from simclr_tui.recipe.fields import Field, fields


def with_recipe_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per recipe field; those that were typed arrive as the dict `flags`."""
    return _with_flags(command, _parameter)


def with_sweep_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one text option per recipe field: a value, several (`a,b,c`) or a range (`LOW:HIGH:log`)."""
    return _with_flags(command, _text_parameter)


def _with_flags(command: Callable[..., None], make: Callable[[Field], inspect.Parameter]) -> Callable[..., None]:
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "flags"]
    keys = [field.key for field in fields()]

    def wrapped(**values: Any) -> None:
        flags = {key: values.pop(key) for key in keys}
        command(**values, flags={key: value for key, value in flags.items() if value is not None})

    parameters = own + [make(field) for field in fields()]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


def _text_parameter(field: Field) -> inspect.Parameter:
    option = typer.Option(
        field.flag.split("/")[0], help=field.help, rich_help_panel=f"Recipe: {field.group}", show_default=False,
        metavar="VALUES", hidden=field.hidden,
    )  # fmt: skip
    kind: Any = Annotated[str | None, option]
    return inspect.Parameter(field.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _completion(field: Field) -> Callable[[str], list[str]] | None:
    """Return the completion of a field that has a closed list of values, or of the data sets and kinds of sources."""
    if field.key != "data" and not field.choices:
        return None

    def complete(incomplete: str) -> list[str]:
        from simclr_tui.recipe.datasets import KNOWN

        values = ("auto", *KNOWN, "folder:") if field.key == "data" else field.choices
        return [value for value in values if value.startswith(incomplete)]

    return complete


def _parameter(field: Field) -> inspect.Parameter:
    paper = f" [{field.paper}]" if field.paper else ""
    choices = f" One of {', '.join(field.choices)}." if field.choices else ""
    option = typer.Option(
        field.flag, help=field.help + choices + paper, rich_help_panel=f"Recipe: {field.group}", show_default=False,
        hidden=field.hidden, autocompletion=_completion(field),
    )  # fmt: skip
    kind: Any = Annotated[field.type | None, option]
    return inspect.Parameter(field.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
