# SPDX-License-Identifier: GPL-2.0-only
"""Boot a kernel on a platform, keep its log, and never hang."""

import os
import tempfile
import time
from pathlib import Path

import qemu
from util import LOGS, Progress, end_group, read_lines, spawn

# TCG: it behaves the same everywhere, which KVM in a virtual machine does not.
QEMU = ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
FAST = ["-accel", "tcg", "-smp", "2"]
# One instruction takes one nanosecond, whatever the host is doing meanwhile, and
# nothing that the guest gets from outside is different the next time.
EXACT = ["-accel", "tcg,thread=single", "-smp", "1", "-icount", "shift=0,sleep=off",
         "-rtc", "base=2010-06-29,clock=vm", "-seed", "2010"]
# A panic ends the machine at once instead of stopping it.
APPEND = "panic=-1 ignore_loglevel printk.time=0 printk.devkmsg=on"
# Without a process to end the machine, KUnit does.
NO_INIT = "kunit_shutdown=poweroff"


def command(platform, image, archive, append, role):
    words = f"{platform.append} {APPEND} {append}".split()
    words += ["--", role] if platform.user_space else [NO_INIT]
    if not platform.qemu:
        return [image, f"initrd={archive}", *words]
    return [*qemu.words_of(platform), *QEMU, *(EXACT if platform.exact else FAST),
            "-m", str(platform.memory), "-kernel", image,
            "-initrd", archive, "-append", " ".join(words)]


def cpu_seconds(pid):
    """How long a process has run, or 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    user, system = stat.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Boot:
    """What came of booting a platform."""

    def __init__(self, platform, name):
        self.platform = platform
        self.log = LOGS / f"{name}.log"
        self.lines = []
        self.trouble = None         # why it did not end by itself, as one line

    def where(self):
        return f"see {self.log}"

    def why(self):
        """What is wrong with how it ended, and its last words; [] if nothing is."""
        if not self.trouble:
            return []
        return [f"{self.trouble} ({self.where()})", "its last words:", *self.lines[-8:]]


def trouble_of(boot, status):
    if "vcm-init: done" in boot.lines or not (boot.platform.user_space or status):
        return None
    for line in boot.lines:
        if "Kernel panic" in line:
            return f"panicked: {line.strip()}"
    if not any("Linux version" in line for line in boot.lines):
        last = boot.lines[-1] if boot.lines else "it said nothing"
        return f"did not start (status {status}): {last}"
    return f"ended before its time (status {status})"


def boot(platform, image, archive, append="", role="test", name=None):
    """Boot and wait for the end; a Boot, of which .trouble is None if all is well."""
    result = Boot(platform, name or platform.name)
    result.log.parent.mkdir(parents=True, exist_ok=True)
    argv = command(platform, image, archive, append, role)
    progress = Progress(f"{role} on {platform.name}")
    began = heard = time.monotonic()
    marked = used = 0

    class Hang(Exception):
        pass

    def watch():
        nonlocal marked, used
        now = time.monotonic()
        if marked != heard:
            marked, used = heard, cpu_seconds(process.pid)
        if now - heard > platform.stall:
            raise Hang(f"hangs: no output for {platform.stall} seconds, in which it ran "
                       f"for {cpu_seconds(process.pid) - used:.0f} seconds")
        if now - began > platform.limit:
            raise Hang(f"is not done after {platform.limit} seconds")

    with tempfile.TemporaryDirectory() as scratch, \
            open(result.log, "w", encoding="utf-8") as log:
        process = spawn(argv, env={**os.environ, "TMPDIR": scratch, "HOME": scratch},
                        preexec_fn=qemu.without_io_uring if platform.qemu else None)
        try:
            for line in read_lines(process, lambda: progress.tick(
                    f"{len(result.lines)} lines"), watch):
                heard = time.monotonic()
                result.lines.append(line)
                print(line, file=log, flush=True)
            result.trouble = trouble_of(result, process.wait(timeout=10))
        except Hang as hang:
            result.trouble = str(hang)
            print(f"vcm: {hang}", file=log)
        finally:
            end_group(process)
            process.stdout.close()
    progress.done(result.trouble or "ended well")
    return result
