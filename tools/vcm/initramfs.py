# SPDX-License-Identifier: GPL-2.0-only
"""The root file system: programs that are linked with the kernel's nolibc."""

from pathlib import Path

from build import complaint
from util import VcmError, run

INIT = Path(__file__).resolve().parent / "init" / "init.c"
SELFTESTS = "tools/testing/selftests/vcm"
FLAGS = ["-Os", "-static", "-nostdlib", "-nostartfiles", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-Wall"]


def newc(name, mode, data=b""):
    """One entry of a cpio archive, as the kernel reads it."""
    numbers = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    entry = b"070701" + b"".join(b"%08x" % number for number in numbers)
    entry += name.encode() + b"\0"
    entry += b"\0" * (-len(entry) % 4) + data
    return entry + b"\0" * (-len(entry) % 4)


def program(tree, kernel, source):
    """Compile a program for @kernel; its bytes."""
    nolibc = tree.path / "tools" / "include" / "nolibc"
    target = tree.out / kernel.name / f"vcm-{source.stem}"
    status, lines = run([f"{kernel.cross}gcc", *FLAGS, "-I", nolibc, "-include",
                         nolibc / "nolibc.h", source, "-o", target, "-lgcc"])
    if status:
        raise VcmError(f"cannot build {source.name}: {complaint(lines)}")
    return target.read_bytes()


def make(tree, kernel):
    """Compile init and the selftests for @kernel; the path of the archive."""
    entries = [newc("init", 0o100755, program(tree, kernel, INIT)),
               newc("selftests", 0o040755)]
    for source in sorted((tree.path / SELFTESTS).glob("*.c")):
        entries.append(newc(f"selftests/{source.stem}", 0o100755,
                            program(tree, kernel, source)))
    archive = tree.out / kernel.name / "vcm-initramfs.cpio"
    archive.write_bytes(b"".join(entries) + newc("TRAILER!!!", 0))
    return archive
