"""The user's own words about the run under the cursor: tags, note, name. By the function behind `simclr edit`."""

from __future__ import annotations

from functools import partial

from simclr_tui.catalog.row import Row
from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.store.labels import check_tag, edit_run
from simclr_tui.store.names import check_name
from simclr_tui.store.run import Run
from simclr_tui.tui.commands.run_commands import RunActions
from simclr_tui.tui.commands.undo import Undo
from simclr_tui.tui.dialogs.ask import Ask


class WordActions(RunActions):
    """Asks with what stands there now, and does nothing when it stays as it is."""

    def all_rows(self) -> tuple[Row, ...]:
        """Every run of the store."""
        raise NotImplementedError

    def renamed(self, old: str, new: str) -> None:
        """Marks and pins go with the run."""
        raise NotImplementedError

    def action_tag(self) -> None:
        run = self.current_run()
        before = None if run is None else self._tags(run)
        if run is None or before is None:
            return

        def answered(text: str | None) -> None:
            if text is not None and (after := split_tags(text)) != before:
                self._edit_tags(run, before, after)

        question = f"Tags of {run.name}, separated by commas"
        self.app.push_screen(Ask(question, ", ".join(before), _tag_words, self._complete_tags), answered)

    def _tags(self, run: Run) -> list[str] | None:
        try:
            return run.info.tags
        except SimclrError as error:
            self.app.tell_error(error)
            return None

    def _edit_tags(self, run: Run, before: list[str], after: list[str]) -> None:
        added, removed = [tag for tag in after if tag not in before], [tag for tag in before if tag not in after]
        back = partial(edit_run, self.store, run, add=removed, remove=added)
        done = f"{run.name}: tags {', '.join(after) or 'none'}"
        undo = Undo(f"{run.name}: tags {', '.join(before) or 'none'} again", back, run.name)
        self.change(partial(edit_run, self.store, run, add=added, remove=removed), done, undo)

    def _complete_tags(self, text: str) -> list[str]:
        """The tags of other runs that begin as the last one typed."""
        word = text.rpartition(",")[2].strip()
        known = sorted({tag for row in self.all_rows() for tag in str(row["tags"] or "").split(",") if tag})
        return [text + tag[len(word) :] for tag in known if word and tag.startswith(word)]

    def action_note(self) -> None:
        run = self.current_run()
        row = next((row for row in self.all_rows() if run is not None and row["name"] == run.name), None)
        if run is None or row is None:
            return
        before = str(row["note"] or "")

        def answered(text: str | None) -> None:
            if text is not None and text != before:
                undo = Undo(
                    f"{run.name} has its old note again", partial(edit_run, self.store, run, note=before), run.name
                )
                self.change(partial(edit_run, self.store, run, note=text), f"{run.name}: note {text or 'none'}", undo)

        self.app.push_screen(Ask(f"Note on {run.name}", before, lambda text: text and "kept with the run"), answered)

    def action_rename(self) -> None:
        run = self.current_run()
        if run is None:
            return

        def check(text: str) -> str:
            check_name(text)
            if text != run.name and (self.store.root / text).exists():
                raise StoreError(f"{text} already exists", "choose another name")
            return "the folder gets this name"

        def answered(text: str | None) -> None:
            if text is not None and text != run.name:
                self._rename(run, text)

        self.app.push_screen(Ask(f"New name of {run.name}", run.name, check), answered)

    def _rename(self, run: Run, name: str) -> None:
        old = run.name
        renamed = self.store.run(name)
        undo = Undo(f"{name} is {old} again", partial(self._edit_name, renamed, old), old)
        self.go_to(name)
        self.change(partial(self._edit_name, run, name), f"{old} is {name} now", undo)

    def _edit_name(self, run: Run, name: str) -> None:
        edit_run(self.store, run, name=name)
        self.app.call_later(self.renamed, run.name, name)


def split_tags(text: str) -> list[str]:
    """The tags in a line, each once."""
    return list(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))


def _tag_words(text: str) -> str:
    tags = [check_tag(tag) for tag in split_tags(text)]
    return f"{len(tags)} tag{'s' if len(tags) != 1 else ''}" if tags else "no tags"
