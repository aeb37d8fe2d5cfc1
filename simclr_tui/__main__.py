"""Run the command line as `python -m simclr_tui`."""

from __future__ import annotations

from simclr_tui.cli.main import main

if __name__ == "__main__":
    main()
