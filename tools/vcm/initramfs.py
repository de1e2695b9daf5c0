# SPDX-License-Identifier: GPL-2.0-only
"""The root file system: one program, linked with the kernel's nolibc."""

from pathlib import Path

from build import complaint
from util import VcmError, run

SOURCE = Path(__file__).resolve().parent / "init" / "init.c"
FLAGS = ["-Os", "-static", "-nostdlib", "-nostartfiles", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-Wall"]


def newc(name, mode, data=b""):
    """One entry of a cpio archive, as the kernel reads it."""
    numbers = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    entry = b"070701" + b"".join(b"%08x" % number for number in numbers)
    entry += name.encode() + b"\0"
    entry += b"\0" * (-len(entry) % 4) + data
    return entry + b"\0" * (-len(entry) % 4)


def make(tree, kernel):
    """Compile init for @kernel; the path of the archive."""
    out = tree.out / kernel.name
    nolibc = tree.path / "tools" / "include" / "nolibc"
    program = out / "vcm-init"
    status, lines = run([f"{kernel.cross}gcc", *FLAGS, "-I", nolibc, "-include",
                         nolibc / "nolibc.h", SOURCE, "-o", program, "-lgcc"])
    if status:
        raise VcmError(f"cannot build {SOURCE.name}: {complaint(lines)}")
    archive = out / "vcm-initramfs.cpio"
    archive.write_bytes(newc("init", 0o100755, program.read_bytes())
                        + newc("TRAILER!!!", 0))
    return archive
