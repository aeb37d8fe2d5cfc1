"""Requests of the image tabs to the training plane: each computed once, then cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simclr_tui.errors import DataError, SimclrError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.launch.tasks import neighbors, preview, project
from simclr_tui.recipe.datasets import check_data
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN
from simclr_tui.store.task_replies import Neighbors, Preview, Projection

IMAGES = 6  # images whose views are drawn
NEIGHBORS = 8
_PAUSE = 0.3  # seconds the cursor must stay on a run before a process is started for it
_KEEP = 64

Kind = Literal["views", "neighbors", "embedding"]
Answer = Preview | Neighbors | Projection | SimclrError


@dataclass(frozen=True)
class ImageRequest:
    """Name one request. `step` is the checkpoint's (views need none); `image` is the query for neighbours."""

    kind: Kind
    run: str
    step: int | None = None
    image: str = ""

    @property
    def title(self) -> str:
        return {
            "views": f"the views that {self.run} sees",
            "neighbors": f"the images nearest to {self.image} under {self.run}",
            "embedding": f"the embedding of {self.run}",
        }[self.kind]


def check_images(run: Run) -> None:
    """Raise DataError where a run's images are not known or not there, with what helps a run that has a recipe."""
    resolved = run.resolved
    if resolved.known_values()["data"] is None:
        raise DataError(f"the images of {run.name} are not known", "the program that trained it did not record them")
    try:
        check_data(resolved.recipe.data)
    except DataError as error:
        state = run.state
        can_be_resumed = state not in OPEN and state != "finished"
        moved = f", or resume it with them: simclr resume {run.name} --data DATA" if can_be_resumed else ""
        raise DataError(f"the images of {run.name} cannot be read: {error.message}", f"put them back{moved}") from None


def compute(request: ImageRequest, run: Run, cancel: Cancel) -> Answer:
    """Compute an answer, unless cancelled when the cursor moves on. An error is an answer too."""
    if cancel.wait(_PAUSE):
        return SimclrError("cancelled")
    try:
        check_images(run)
        if request.kind == "views":
            return preview(run.resolved, IMAGES, quiet=True, cancel=cancel)
        if request.kind == "neighbors":
            return neighbors(run, request.image, split="train", k=NEIGHBORS, quiet=True, cancel=cancel)
        return project(run, split="test", quiet=True, cancel=cancel)
    except SimclrError as error:
        return error
    except OSError as error:
        return SimclrError(f"cannot compute {request.title}: {error.strerror}", "see simclr doctor")


class ImageRequests:
    """Cache the newest answers by request; at most one request is under way."""

    def __init__(self) -> None:
        self._answers: dict[ImageRequest, Answer] = {}
        self.pending: ImageRequest | None = None
        self._cancel = Cancel()

    def answer(self, request: ImageRequest) -> Answer | None:
        return self._answers.get(request)

    def older(self, request: ImageRequest) -> ImageRequest | None:
        """Return the request under an older checkpoint, where that was answered."""
        same = [
            known
            for known, answer in self._answers.items()
            if (known.kind, known.run, known.image) == (request.kind, request.run, request.image)
            and not isinstance(answer, SimclrError)
        ]
        return max(same, key=lambda known: known.step or 0, default=None)

    def begin(self, request: ImageRequest) -> Cancel:
        """Register a request, cancelling the one under way."""
        self.stop()
        self.pending, self._cancel = request, Cancel()
        return self._cancel

    def end(self, request: ImageRequest, answer: Answer, cancel: Cancel) -> None:
        """Store an answer; one of cancelled work only if the user cancelled it."""
        if cancel is self._cancel:
            self.pending = None
        if not cancel.requested or cancel is self._cancel:
            self._answers[request] = answer
            while len(self._answers) > _KEEP:
                del self._answers[next(iter(self._answers))]

    def stop(self) -> bool:
        """Cancel the request under way. Returns True if there was one."""
        self._cancel()
        return self.pending is not None

    def forget(self, request: ImageRequest) -> None:
        self._answers.pop(request, None)
