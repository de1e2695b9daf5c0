# SPDX-License-Identifier: GPL-2.0-only
"""What every module needs: where things are, one error, one way to run programs."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "log"


class VcmError(Exception):
    """Something the user should read as one line."""


def say(text=""):
    print(text, flush=True)


def need_space(where, gib):
    """Better to say so now than to die in the middle of a build."""
    where.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(where).free / 2**30
    if free < gib:
        raise VcmError(f"{where} needs {gib} GiB of free disk space, "
                       f"there are {free:.1f}")


class Progress:
    """One line that tells that a long step lives; plain lines if nobody looks."""

    def __init__(self, title):
        self.title = title
        self.start = self.shown = time.monotonic()
        self.tty = sys.stdout.isatty()
        self.interval = 0.5 if self.tty else 20

    def elapsed(self):
        seconds = int(time.monotonic() - self.start)
        return f"{seconds // 60}:{seconds % 60:02}"

    def tick(self, detail=""):
        now = time.monotonic()
        if now - self.shown < self.interval:
            return
        self.shown = now
        line = f"  {self.title}: {self.elapsed()} {detail}"
        if self.tty:
            print("\r" + line[:100].ljust(100), end="", flush=True)
        else:
            say(line)

    def done(self, detail=""):
        if self.tty:
            print("\r" + " " * 100 + "\r", end="")
        say(f"  {self.title}: {detail} ({self.elapsed()})")


def end_group(process):
    """End a program that we started, with all that it started itself."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sig)
            process.wait(timeout=3)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def read_lines(process, tick, stop=lambda: None):
    """The output of @process line by line; stop() may end it by raising.

    Not a simple loop over process.stdout: a program that says nothing must
    not keep us from showing progress, or from noticing that it hangs.
    """
    fd = process.stdout.fileno()
    os.set_blocking(fd, False)
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            tick()
            stop()
            if not selector.select(timeout=0.5):
                continue
            data = os.read(fd, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace").rstrip("\r")


def spawn(argv, **kwargs):
    try:
        return subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True, **kwargs)
    except OSError as error:
        raise VcmError(f"cannot start {argv[0]}: {error.strerror}") from None


def run(argv, title=None, log=None, count=None, **kwargs):
    """Run a program to its end; returns (status, output lines).

    @title: show progress under this name
    @log:   keep the output in this file
    @count: a regular expression; lines that match it are the progress
    """
    progress = Progress(title) if title else None
    counter = re.compile(count) if count else None
    lines, steps = [], 0

    def tick():
        if progress:
            progress.tick(f"{steps} steps" if counter else "")

    process = spawn(argv, **kwargs)
    out = None
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        out = open(log, "w", encoding="utf-8")
    try:
        for line in read_lines(process, tick):
            lines.append(line)
            steps += bool(counter and counter.match(line))
            if out:
                print(line, file=out, flush=True)
        status = process.wait()
    except BaseException:
        end_group(process)
        raise
    finally:
        if out:
            out.close()
    if progress:
        progress.done("ok" if not status else "FAILED")
    return status, lines


def output_of(argv, **kwargs):
    """The output of a short program, or None where it fails, or is not there."""
    try:
        done = subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, **kwargs)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
