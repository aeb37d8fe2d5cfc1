"""Commands on the metadata of the run under the cursor: tags, note, name, through the function of `simclr edit`."""

from __future__ import annotations

from functools import partial

from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.store.labels import check_tag, edit_run
from simclr_tui.store.names import check_name
from simclr_tui.store.run import Run
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.commands.changes import Changes, Undo
from simclr_tui.tui.commands.selection import Selection
from simclr_tui.tui.dialogs.ask import Ask
from simclr_tui.tui.host import Host


class LabelCommands:
    """Commands that edit the current value, and do nothing if it stays the same."""

    def __init__(self, host: Host, runs: Selection, changes: Changes) -> None:
        self._host, self._runs, self._changes = host, runs, changes
        self._store = host.store
        self.doers: Doers = {"tag": self.tag, "note": self.note, "rename": self.rename}

    def tag(self) -> None:
        """Ask for the run's tags."""
        run = self._runs.current_run()
        before = None if run is None else self._tags(run)
        if run is None or before is None:
            return

        def answered(text: str | None) -> None:
            if text is not None and (after := edited_tags(text, before)) != before:
                self._edit_tags(run, before, after)

        question = f"Tags of {run.name}, separated by commas; +tag adds one, -tag removes one"
        check = partial(_tag_words, before)
        self._host.show(Ask(question, ", ".join(before), check, complete=self._complete_tags), answered)

    def _tags(self, run: Run) -> list[str] | None:
        try:
            return run.info.tags
        except SimclrError as error:
            self._host.tell_error(error)
            return None

    def _edit_tags(self, run: Run, before: list[str], after: list[str]) -> None:
        added, removed = [tag for tag in after if tag not in before], [tag for tag in before if tag not in after]
        back = partial(edit_run, self._store, run, add=removed, remove=added)
        done = f"{run.name}: tags {', '.join(after) or 'none'}"
        undo = Undo(f"{run.name}: tags {', '.join(before) or 'none'} again", back, run.name)
        self._changes.make(partial(edit_run, self._store, run, add=added, remove=removed), done, undo)

    def _complete_tags(self, text: str) -> list[str]:
        """Complete the last tag typed from the tags of other runs."""
        word = text.rpartition(",")[2].strip().lstrip("+-")
        known = sorted({tag for row in self._runs.all_rows for tag in str(row["tags"] or "").split(",") if tag})
        return [text + tag[len(word) :] for tag in known if word and tag.startswith(word)]

    def note(self) -> None:
        """Ask for the run's note."""
        run = self._runs.current_run()
        row = next((row for row in self._runs.all_rows if run is not None and row["name"] == run.name), None)
        if run is None or row is None:
            return
        before = str(row["note"] or "")

        def answered(text: str | None) -> None:
            if text is not None and text != before:
                undo = Undo(
                    f"{run.name} has its old note again", partial(edit_run, self._store, run, note=before), run.name
                )
                self._changes.make(
                    partial(edit_run, self._store, run, note=text), f"{run.name}: note {text or 'none'}", undo
                )

        self._host.show(Ask(f"Note on {run.name}", before, lambda text: text and "kept with the run"), answered)

    def rename(self) -> None:
        """Ask for the run's new name."""
        run = self._runs.current_run()
        if run is None:
            return

        def check(text: str) -> str:
            check_name(text)
            if text != run.name and (self._store.root / text).exists():
                raise StoreError(f"{text} already exists", "choose another name")
            return "the folder gets this name"

        def answered(text: str | None) -> None:
            if text is not None and text != run.name:
                self._rename(run, text)

        self._host.show(Ask(f"New name of {run.name}", run.name, check), answered)

    def _rename(self, run: Run, name: str) -> None:
        old = run.name
        renamed = self._store.run(name)
        undo = Undo(f"{name} is {old} again", partial(self._edit_name, renamed, old), old)
        self._runs.go_to(name)
        self._changes.make(partial(self._edit_name, run, name), f"{old} is {name} now", undo)

    def _edit_name(self, run: Run, name: str) -> None:
        edit_run(self._store, run, name=name)
        self._host.call_later(self._runs.renamed, run.name, name)


def split_tags(text: str) -> list[str]:
    """Return the tags in a line, each once."""
    return list(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))


def edited_tags(text: str, before: list[str]) -> list[str]:
    """Return the tags that a line means: these, or, if each begins with + or -, those before with the changes."""
    words = split_tags(text.replace(" +", ",+").replace(" -", ",-"))
    if not words or not all(word[0] in "+-" for word in words):
        return split_tags(text)
    removed = {word[1:] for word in words if word[0] == "-"}
    added = [word[1:] for word in words if word[0] == "+"]
    return list(dict.fromkeys([*(tag for tag in before if tag not in removed), *added]))


def _tag_words(before: list[str], text: str) -> str:
    tags = [check_tag(tag) for tag in edited_tags(text, before)]
    return f"tags: {', '.join(tags)}" if tags else "no tags"
