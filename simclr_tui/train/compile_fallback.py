"""Go on without compiling where torch.compile fails: a run must not end because a machine has no C compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Call = TypeVar("Call", bound=Callable[..., Any])


def compiled_or_plain(compiled: Call, plain: Call, failed: Callable[[str], None]) -> Call:
    """Return a function that calls `compiled`, and from its first failure to compile on `plain`.

    `failed` gets the reason, in one line, once.
    """
    chosen: list[Callable[..., Any]] = [compiled]

    def call(*arguments: Any, **options: Any) -> Any:
        if chosen[0] is plain:
            return plain(*arguments, **options)
        try:
            return compiled(*arguments, **options)
        except Exception as error:
            if not _is_of_the_compiler(error):
                raise
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            failed(" ".join(lines[:2]) or type(error).__name__)
            chosen[0] = plain
            return plain(*arguments, **options)

    return cast(Call, call)


def _is_of_the_compiler(error: Exception) -> bool:
    from torch._dynamo.exc import TorchDynamoException  # takes as long as torch: only where something was compiled

    return isinstance(error, TorchDynamoException)
