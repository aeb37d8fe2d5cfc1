"""What is promised: a row for every fault, in the order of the table in docs/reliability.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """`tests` hold for the row beside those that count; `also` is told after the counts, never empty without any."""

    row: str
    fault: str
    kept: str
    tests: tuple[str, ...] = ()
    also: str = ""


PROMISES = (
    Promise(
        "F1",
        "`kill -9` of the trainer at random moments",
        "each step once, weights and metrics those of a run never killed",
    ),
    Promise(
        "F2",
        "a save fails (ENOSPC) or dies at any system call",
        "the old checkpoint or the new, whole; the next save works",
    ),
    Promise(
        "F3",
        "stop, a second signal, a trainer that is stuck",
        "step finished, checkpoint saved; the second signal ends at once; the stuck one goes with its group",
        ("tests/launch/test_runs.py", "tests/cli/test_cli.py", "tests/launch/slurm/test_jobs.py"),
    ),
    Promise(
        "F4",
        "`kill -9` of the supervisor, of the command line, of the dashboard",
        "training goes on, and is seen by whoever looks next",
        ("tests/launch/test_runs.py",),
        "the supervisor's part of a lost run tried once",
    ),
    Promise(
        "F5",
        "the terminal is closed (hang-up, end of input)",
        "training goes on; the dashboard and the command end with 129",
        ("tests/tui/terminal/test_lifecycle.py", "tests/cli/test_cli.py"),
        "two ways of closing the dashboard's terminal, two the command's, once each",
    ),
    Promise(
        "F6",
        "full disk",
        "no metric line lost once there is room; after the third failed checkpoint the run ends with the reason",
        ("tests/launch/test_plan.py",),
    ),
    Promise(
        "F7",
        "damaged checkpoint",
        "named, the one before is used; none valid is a failure, not a fresh start",
        ("tests/train/test_loop.py",),
    ),
    Promise(
        "F8",
        "torn or damaged metric lines",
        "good lines all served, damaged ones counted, a torn tail read once",
        ("tests/store/metrics/test_history.py",),
    ),
    Promise(
        "F9",
        "catalog damaged, zeroed, locked, newer, deleted, or its writer killed",
        "set aside and rebuilt from folders; no row, tag or note lost or wrong",
        ("tests/catalog/test_catalog.py",),
    ),
    Promise(
        "F10",
        "two watchers, four command lines, 32 runs that write",
        'never "database is locked", the same rows everywhere',
    ),
    Promise(
        "F11",
        "one run resumed twice, one name claimed by many",
        "one wins, the others say so",
        ("tests/store/test_store.py", "tests/launch/test_runs.py"),
        "four processes that resume one run, once",
    ),
    Promise("F12", "the pid was reused", "no signal to a stranger, the run is lost"),
    Promise("F13", "the wall clock jumps", "durations, order, liveness and ETA as before"),
    Promise(
        "F14",
        "the machine restarts",
        "lost to the restart, can be resumed, nothing starts by itself",
        ("tests/store/test_state.py",),
        "by the boot's number in the record: no machine was restarted",
    ),
    Promise(
        "F15",
        "the trainer is stopped (SIGSTOP)",
        "stalled, never dead; goes on; cannot be resumed beside itself",
    ),
    Promise(
        "F16",
        "no memory left",
        "failed, with the step and what to give; checkpoints whole; the batch is never made smaller by itself",
        ("tests/train/optim/test_grad_cache.py",),
        "the CPU's memory: not tried on a GPU's",
    ),
    Promise(
        "F17",
        "NaN or infinity in loss or gradient",
        "caught before the step; weights and checkpoints stay finite",
        ("tests/train/test_loop.py", "tests/train/optim/test_loss_scale.py"),
        "a rate that explodes, once",
    ),
    Promise(
        "F18",
        "damaged, truncated, palette, CMYK, tiny, huge, missing images",
        "named and substituted; more than a thousandth stops with their names",
        ("tests/train/data/test_folder.py",),
        "a case of each kind",
    ),
    Promise(
        "F19",
        "a data worker is killed or hangs",
        "the run fails with the cause within a minute and can be resumed; no worker outlives its trainer",
        ("tests/train/data/test_lazy_images.py",),
        "one trainer killed beside a decoder that works, one beside a stopped one",
    ),
    Promise(
        "F20",
        "one of several training processes dies",
        "all end within half a minute, the first to fail is told with its own error, the run is resumed",
        ("tests/train/test_distributed.py",),
        "one shared stop",
    ),
    Promise(
        "F21",
        "store missing, read-only, closed, a file, someone else's",
        "looked at as far as it goes; acting is one sentence; nothing is made",
    ),
    Promise(
        "F22",
        "hostile names",
        "refused, or kept as text inside the store; links not followed",
        ("tests/store/test_store.py",),
    ),
    Promise(
        "F23",
        "control characters in names, notes, logs",
        "never reach the terminal",
        ("tests/tui/test_hostile_text.py", "tests/test_text.py"),
        "payloads on every screen",
    ),
    Promise(
        "F24",
        "hostile checkpoint",
        "numbers only: never unpickled",
        also="every `torch.load` in the source",
    ),
    Promise(
        "F25",
        "terminals from 1×1 to 400×100, a storm of resizes, no UTF-8, no colour",
        "shown as far as there is room, or said to be too small",
        ("tests/tui/test_main_screen.py", "tests/tui/terminal/test_lifecycle.py"),
        "a dumb terminal, once",
    ),
    Promise(
        "F26",
        "10,000 runs",
        "a window of them is drawn, keys are answered while they are indexed, no more than 150 MB",
        ("tests/tui/feed/test_feed.py",),
        "what it takes: [control-plane.md](control-plane.md)",
    ),
    Promise(
        "F27",
        "a million steps",
        "its newest state first, its charts in pieces, no line read twice, none missed that is written meanwhile",
        ("tests/store/test_log_tail.py", "tests/store/metrics/test_history.py"),
        "what it takes: [control-plane.md](control-plane.md)",
    ),
    Promise(
        "F28",
        "a trainer that floods its log",
        "beyond 64 MB the log keeps its first 1 MB and its last 4 MB; its end is shown; metrics lose nothing",
        ("tests/launch/test_log_limit.py", "tests/store/test_log_tail.py"),
    ),
    Promise("F29", "another version's run folder", "read; unknown fields kept; another major refused"),
    Promise(
        "F30",
        "no GPU driver, one that hangs, MIG",
        "n/a, asked ever less often, never waited for",
        ("tests/hardware/test_gpu_reader.py",),
    ),
    Promise(
        "F32",
        "kill in the middle of a delete, edit, rename, export",
        "done or not done, and can be done again",
        ("tests/faults/test_queue_writes.py",),
    ),
    Promise(
        "F33",
        "a crash inside the dashboard, Ctrl-C twice, Ctrl-Z and fg",
        "terminal restored, traceback in a file, one line on stderr; a shell sees it stop, fg draws the screen whole",
        ("tests/tui/terminal/test_lifecycle.py",),
        "three signals, once each",
    ),
    Promise(
        "F34",
        "an hour of eight runs that write, and two dashboards",
        "no line lost or doubled, each dashboard shows every end, its memory grows by its curves' points alone",
        also="in the second half hour the dashboards grew by 17 and 43 MB, to 86 and 131 MB",
    ),
    Promise(
        "F35",
        "`random.py`, `queue.py`, `torch.py` in the folder that a command is typed in",
        "no child process executes them: supervisor, dispatcher, trainer and tasks start through one door",
    ),
    Promise(
        "F36",
        "a run's folder is moved, deleted or replaced while it trains, and its name used again",
        "the trainer ends at once and says where the folder lies; nothing of it lands in the run that took the name",
    ),
    Promise(
        "F37",
        "stop, kill and resume in a copy of a store whose original trains",
        "the original goes on; the copy is lost there, and goes on by itself",
    ),
    Promise(
        "F38",
        "a store seen from another host whose locks and processes say nothing here",
        "a run that writes there is running there and not resumed here; one given up too early ends by itself",
    ),
    Promise(
        "F39",
        "a prefix where something is removed, stopped, edited, resumed or queued, typed twice",
        "refused with the names that it could mean; @last and @best are said before they act",
    ),
    Promise(
        "F40",
        "state.json empty or torn, as some file systems leave it after a power loss",
        "rebuilt from checkpoints and events; the run goes on, to the bit",
        ("tests/store/test_state.py",),
    ),
    Promise(
        "F41",
        "while runs wait: a damaged recipe, the installation or the launch folder deleted, a full disk",
        "the damaged run fails once; else the queue is paused or waits with the reason, and nobody fails",
    ),
    Promise(
        "F42",
        "a start slower than it may be",
        "ended, so that what was called a failure does not train after all",
    ),
    Promise(
        "F43",
        "SIGTERM to `simclr run`, as process 1 of a container too",
        "a stop with a checkpoint; the command waits for it",
    ),
    Promise(
        "F44",
        "a pipe, a link, a folder or an endless file where a run keeps a file",
        "a damaged run: nobody waits, nothing is read without end, nothing is written outside the folder",
        ("tests/test_regular_file.py",),
    ),
    Promise(
        "F45",
        "an awaited run is renamed; the dispatcher has other data than the run it starts; a sweep is killed at birth",
        "the very run is awaited; data and caches are those of the queueing; the sweep's name is free",
    ),
    Promise(
        "F46",
        "an event with no dashboard open, with several, or after a `kill -9` of the supervisor",
        "told once, by whoever sees it first; after the kill by the next listing; never through a shell",
        ("tests/launch/test_notify.py",),
    ),
    Promise(
        "F47",
        "requests to the served dashboard by whoever has no token, an old one, or another site's page",
        "the page, which holds nothing; a dashboard only with a key that one token gave, to this address and port",
    ),
    Promise(
        "F48",
        "a run is renamed or removed while it is evaluated",
        "the result goes along, and is printed",
    ),
    Promise(
        "F49",
        "a store whose folder a group may write, used by two users with the usual umask",
        "each launches, queues and edits what the other made; where they cannot, doctor says what to type",
        ("tests/test_group_mode.py",),
    ),
    Promise(
        "F50",
        "the machine loses its power while a run trains, and others are queued, edited and swept",
        "every run that was there is there and listed; the one that trained goes on from a checkpoint it had",
        also="an ext4 in a file, shut down by its ioctl, with data=ordered and data=writeback,noauto_da_alloc",
    ),
    Promise(
        "F51",
        "a folder that cannot be synced, a disk without inodes, classes that are not UTF-8, no home folder",
        "used, refused before anything is made, trained on and kept, used",
        ("tests/cli/test_output_door.py",),
    ),
    Promise(
        "F52",
        "a store that two hosts see, whose boots, processes and locks mean nothing to each other; one name for both",
        "a run that trains on one is running there for the other, which says where, and begins it not again",
        also="the second host is one in namespaces: no second machine took part",
    ),
    Promise(
        "F53",
        "the quota of cores and the memory limit of a container or a job, in either version of control groups",
        "threads, decoders and memory are planned for the smaller of limit and machine",
        ("tests/test_limits.py",),
        "each kind of file once; a real group of version 1, once",
    ),
    Promise(
        "F54",
        "another program's catalog.db, or a link in its place; metrics of 200 MB without a newline",
        "set aside whole, the index made anew; passed over in little memory, and later lines are read",
        ("tests/catalog/test_catalog.py", "tests/store/metrics/test_history.py"),
        "each kind once",
    ),
    Promise(
        "F55",
        "an error that passes (EIO, ESTALE, EMFILE) at a run's state, lock, ticket, recipe, results, or at an image",
        "said while it lasts; no run is lost, failed, started twice or told twice for it, and nothing of it is kept",
        ("tests/catalog/test_catalog.py", "tests/train/data/test_folder.py"),
    ),
    Promise(
        "F56",
        "the package is replaced by another version while one run trains and another waits",
        "the one goes on, evaluates, saves and stops; the other starts under the later version, and says so",
        also="none of the later version's modules can be loaded by a process of the version before",
    ),
    Promise(
        "F57",
        "a run that another user queued waits in a shared store",
        "left to that user's dispatcher, and said; started by one's own only once asked to (`queue start --everyone`)",
    ),
    Promise(
        "F58",
        "data, recipe.toml or torch changed between two attempts of a run",
        "other data is refused with what changed, unless `--accept-data`; of recipe and torch it is said",
        ("tests/train/test_known_data.py", "tests/launch/test_torch_versions.py", "tests/train/test_loop.py"),
        "each kind of change once",
    ),
    Promise(
        "F59",
        "a flipped byte in the cache of decoded images, of whatever size, or in its class names",
        "found when read, beside the training where it is large; the entry is removed, and made anew by the next run",
        ("tests/train/data/test_seal.py", "tests/train/data/test_decoded_cache.py"),
        "each kind once",
    ),
)
