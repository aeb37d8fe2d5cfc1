"""Start a run from a form: the recipe's own fields, validated while typing, with the run's cost beside them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Button, Collapsible, Input, Select, Static

from simclr_tui.catalog.estimate import estimate
from simclr_tui.catalog.row import Row
from simclr_tui.errors import SimclrError
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.placement import Queue, slurm_is_here
from simclr_tui.recipe.fields import field, fields
from simclr_tui.recipe.presets import presets
from simclr_tui.store.names import check_name
from simclr_tui.store.run import Run
from simclr_tui.text import safe
from simclr_tui.tui.action_screen import ActionScreen
from simclr_tui.tui.actions import bindings
from simclr_tui.tui.breakpoints import WIDTHS
from simclr_tui.tui.dialogs.entry import Entry
from simclr_tui.tui.dialogs.pick import Choice, Pick
from simclr_tui.tui.form.data_look import DataLook
from simclr_tui.tui.form.field_row import FieldRow
from simclr_tui.tui.form.job_rows import JobRows
from simclr_tui.tui.form.planner import Entries, Planner, Preview, facts, place
from simclr_tui.tui.host import Host
from simclr_tui.tui.key_line import KeyLine
from simclr_tui.tui.wrapping import wrapped

FIRST = ("data", "subset", "epochs", "bs", "temp", "lr", "encoder", "width")
_FACT, _LEAST_FACT = 13, 20  # cells of a fact's name, and of its value at least
_PAUSE = 0.25  # seconds without a key before the whole form is checked


class NewRun(ActionScreen[str]):
    """Plan and start a new run; dismissed with its name, or with an empty one. With `like`, it clones that run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("form")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    where = "form"

    def __init__(self, host: Host, like: Run | None = None, *, rows: Sequence[Row] = (), first: str = "") -> None:
        """Make the form. `rows` are the store's runs, to estimate from; `first` is the field to begin with."""
        super().__init__()
        self._rows, self._first = tuple(rows), first
        self._host = host
        self._store = host.store
        self._planner = Planner(like)
        self._like = like
        self._preview: Preview | None = None
        self._pending = False
        self._starting = False
        self._look = DataLook(self, host, self._looked)

    def compose(self) -> ComposeResult:
        title = f"Clone of {safe(self._like.name)}" if self._like else "New run"
        yield Static(Text(f" {title}", style="bold"), id="form-title")
        with Horizontal(id="form-body"):
            with VerticalScroll(id="form", can_focus=False):
                if self._like is None:
                    yield from self._preset()
                chosen = [field(name) for name in FIRST]
                yield from (FieldRow(item) for item in chosen)
                yield from self._labels()
                if slurm_is_here():
                    yield JobRows()
                rest = [item for item in fields() if item not in chosen and not item.hidden]
                for group, found in groupby(rest, key=lambda item: item.group):
                    items = list(found)
                    title = f"{group}: {', '.join(item.short for item in items)}"
                    with Collapsible(title=title, collapsed=True):
                        yield from (FieldRow(item) for item in items)
            with Vertical(id="plan-pane"):
                with VerticalScroll(id="plan-scroll", can_focus=False):
                    yield Static(Text("planning…", style="dim"), id="plan")
                with Horizontal(id="form-buttons"):
                    yield Button("Start ^s", id="start", variant="success", compact=True)
                    yield Button("Queue ^l", id="queue", compact=True)
                    yield Button("Copy ^y", id="copy", compact=True)
                    yield Button("Back esc", id="cancel", compact=True)
        yield Static("", id="field-help")
        yield KeyLine(self._host.readonly)

    def _preset(self) -> ComposeResult:
        options = [(Text("auto: the best for this machine"), "auto")]
        options += [(Text(f"{name}: {title}", no_wrap=True), name) for name, title in presets().items()]
        with Horizontal(classes="field wide"):
            yield Static("preset", classes="field-label")
            yield Select(options, value="auto", allow_blank=False, compact=True, id="preset")

    def _labels(self) -> ComposeResult:
        """Compose the run's metadata: name, tags and note."""
        with Horizontal(classes="field"):
            yield Static("name", classes="field-label")
            yield Entry(placeholder="default: run1, run2, …", id="name")
            yield Static("", classes="field-hint", id="name-hint")
        with Horizontal(classes="field wide"):
            yield Static("tags", classes="field-label")
            yield Entry(placeholder="separated by commas", id="tags")
        with Horizontal(classes="field wide"):
            yield Static("note", classes="field-label")
            yield Entry(placeholder="one sentence about the run", id="note")

    def on_unmount(self) -> None:
        self._look.stop()

    def on_mount(self) -> None:
        rows = {row.item.short: row for row in self.query(FieldRow)}
        self._go_to(rows.get(self._first) or rows[FIRST[0]])
        self.call_after_refresh(self._plan_if_changed)

    # What was entered.

    def entries(self) -> Entries:
        """Return the form's current entries; invalid fields count as empty."""
        flags = [(row.item.key, row.value) for row in self.query(FieldRow) if row.value is not None]
        tags = tuple(tag for part in self._text("#tags").split(",") if (tag := part.strip()))
        preset = "auto" if self._like is not None else str(self.query_one("#preset", Select).value)
        entries = Entries(preset, tuple(flags), self._text("#name"), tags, self._text("#note"))
        return replace(entries, on=jobs.where, job=jobs.options) if (jobs := self._jobs) else entries

    @property
    def _jobs(self) -> JobRows | None:
        return next(iter(self.query(JobRows)), None)

    def _text(self, selector: str) -> str:
        return self.query_one(selector, Input).value.strip()

    def problems(self) -> list[str]:
        """Return what is wrong with single fields, the name first."""
        found = [row.problem for row in self.query(FieldRow)]
        return [one for one in (self._name_problem(), *found, self._jobs.problem if self._jobs else "") if one]

    def problem(self) -> str:
        """Return the first problem with a single field; empty when there is none."""
        return next(iter(self.problems()), "")

    def _name_problem(self) -> str:
        name = self._text("#name")
        if not name:
            return ""
        try:
            check_name(name)
        except SimclrError as error:
            return str(error)
        return f"{name} already exists" if (self._store.root / name).exists() else ""

    @on(FieldRow.Changed)
    @on(Select.Changed, "#preset, #job-on")
    @on(Input.Changed)
    def _changed(self) -> None:
        self.query_one("#name-hint", Static).update(Text(safe(self._name_problem())))
        self._show_plan()
        if not self._pending:
            self._pending = True
            self.set_timer(_PAUSE, self._plan_if_changed)

    @on(Input.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        row = next((node for node in event.widget.ancestors if isinstance(node, FieldRow)), None)
        words = f"{row.item.short}: {row.explanation}  ^f finds a field." if row else ""
        self.query_one("#field-help", Static).update(Text(words, style="dim"))

    # The plan.

    def _plan_if_changed(self) -> None:
        """Plan the entries off the screen's thread, one plan at a time, and again if they changed meanwhile."""
        self._pending = False
        entries = self.entries()
        if self._preview is not None and self._preview.entries == entries:
            self._show_plan()
        else:
            self.run_worker(partial(self._plan, entries), thread=True, exclusive=True, group="plan")

    def _plan(self, entries: Entries) -> None:
        preview = self._planner.preview(entries)
        self._host.call_later(self._planned, preview)

    def _planned(self, preview: Preview) -> None:
        # A plan may arrive while the dashboard closes, when the form has begun to lose its parts.
        if not self.is_attached or not (self.query("#plan") and self.query("#start")):
            return
        if preview.entries != self.entries():
            return
        base_before = self._preview.base if self._preview else None
        self._preview = preview
        if preview.base is not None and preview.base != base_before:
            for row in self.query(FieldRow):
                row.show_base(preview.base)
        self._look.follow(preview.plan.resolved.recipe if preview.plan else None)
        self._show_plan()

    def _looked(self) -> None:
        if self._preview is not None:
            self._planned(self._preview)

    def _show_plan(self) -> None:
        preview, problem = self._preview, "\n".join(self.problems())
        current = preview is not None and preview.entries == self.entries()
        text = Text()
        if problem or (current and preview is not None and preview.problem):
            text.append(f"{safe(problem or (preview.problem if preview else ''))}\n\n", "bold red")
        elif preview is not None and preview.plan is not None:
            expected = estimate(preview.plan.resolved.recipe, preview.plan.steps, self._rows)
            room = max(_LEAST_FACT, self.query_one("#plan", Static).content_region.width - _FACT)
            for name, value in facts(preview.plan, expected):
                lines = wrapped(value, room)
                text.append(f"{name:<{_FACT}}", "dim").append(f"{lines[0]}\n", "not dim")
                for line in lines[1:]:
                    text.append(f"{'':{_FACT}}{line}\n", "not dim")
            for choice in (*preview.plan.choices, *preview.plan.data_notes):
                text.append(f"\n{safe(choice)}", "dim")
            for warning in preview.plan.warnings:
                text.append(f"\n{safe(warning)}", "yellow")
            listed, subset = bool(preview.plan.data_notes), preview.plan.resolved.recipe.subset
            for words, style in self._look.lines(listed=listed, subset=subset):
                text.append(f"\n{safe(words)}", style)
            text.append("\n\n")
        text.append("as a command\n", "dim").append(safe(self._planner.command(self.entries())), "not dim")
        self.query_one("#plan", Static).update(text)
        self.query_one("#start", Button).disabled = bool(problem) or self._starting

    # Keys and buttons.

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        await self.run_action(str(event.button.id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to an open list of choices."""
        listed = any(select.expanded for select in self.query(Select))
        return not (listed and action in ("focus_next", "focus_previous", "cancel"))

    def action_focus_next(self) -> None:
        self.focus_next()

    def action_focus_previous(self) -> None:
        self.focus_previous()

    def action_find(self) -> None:
        """Ask for a field by its name or what it does, and go to it."""
        rows = {row.item.short: row for row in self.query(FieldRow)}
        choices = [Choice(short, short, row.item.help) for short, row in rows.items()]
        choices.insert(0, Choice("#name", "name", "the run's name, tags and note"))

        def found(chosen: str | None) -> None:
            if chosen is not None:
                self._go_to(rows.get(chosen) or self.query_one(chosen))

        self._host.show(Pick("Go to a field", choices), found)

    def _go_to(self, target: Widget) -> None:
        """Put the focus on a field, in an opened group."""
        for node in target.ancestors:
            if isinstance(node, Collapsible):
                node.collapsed = False
        inside = next((one for one in (target, *target.query("*")) if one.focusable), target)
        self.set_focus(inside)
        self.call_after_refresh(inside.scroll_visible, animate=False)

    def _go_to_problem(self) -> None:
        wrong = next((row for row in self.query(FieldRow) if row.problem), None)
        if self._name_problem():
            self._go_to(self.query_one("#name"))
        elif wrong is not None:
            self._go_to(wrong)

    def action_cancel(self) -> None:
        self.dismiss("")

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._planner.command(self.entries()))
        self._host.tell("the command was sent to the terminal's clipboard")

    def action_start(self) -> None:
        self._begin(None)

    def action_queue(self) -> None:
        self._begin(Queue())

    def _begin(self, queue: Queue | None) -> None:
        if self.problem():
            self._host.tell_error(SimclrError(self.problem()))
            self._go_to_problem()
        elif not self._starting:
            self._starting = True
            self._look.stop()
            self.query_one("#plan", Static).update(Text("starting…", style="bold"))
            self.run_worker(partial(self._start, self.entries(), queue), thread=True, group="start")

    def _start(self, entries: Entries, queue: Queue | None) -> None:
        try:
            plan = self._planner.plan(entries)
            placement = place(entries, plan, queue)
            command = tuple(shlex.split(self._planner.command(entries)))
            name, tags = entries.name or None, entries.tags
            metadata = Metadata(name=name, tags=tags, note=entries.note, command=command)
            run = placement.submit(self._store, plan, metadata)
            placement.wake(self._store)
        except SimclrError as error:
            self._host.call_later(self._failed, error)
        else:
            self._host.call_later(self._done, run.name)

    def _done(self, name: str) -> None:
        if self.is_attached:
            self.dismiss(name)

    def _failed(self, error: SimclrError) -> None:
        if not self.is_attached:
            return
        self._starting = False
        self._host.tell_error(error)
        self._show_plan()
