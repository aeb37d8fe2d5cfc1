"""As much of a shell with job control as it takes: `shell.py COMMAND …` runs it in the foreground of its terminal.

It tells, a line each, that the job stopped or ended and whether the terminal is set as it was; the lines it is typed
are `fg`, `bg`, or `kill NAME`, which sends the job a signal.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import time


def main(words):
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # as every shell does, to take the terminal back
    settings = termios.tcgetattr(0)
    job = os.fork()
    if not job:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(words[0], words)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpid())
        told = "as it was" if termios.tcgetattr(0) == settings else "changed"
        if not os.WIFSTOPPED(status):
            print(f"\r\n[ended {os.waitstatus_to_exitcode(status)}, terminal {told}]", flush=True)
            return
        print(f"\r\n[stopped {signal.Signals(os.WSTOPSIG(status)).name}, terminal {told}]", flush=True)
        termios.tcsetattr(0, termios.TCSANOW, settings)  # as shells do for their prompt
        while (line := sys.stdin.readline().split())[0] == "kill":
            os.killpg(job, getattr(signal, line[1]))
        if line[0] == "fg":
            os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
        time.sleep(0)


if __name__ == "__main__":
    main(sys.argv[1:])
