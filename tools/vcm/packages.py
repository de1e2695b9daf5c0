# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages: find what is missing, install it where that is allowed."""

import os
import shutil
import subprocess

from util import VcmError, output_of, run

BUILD = """gcc libc6-dev make flex bison bc libelf-dev libssl-dev patch perl
           python3 xz-utils""".split()


def missing(packages):
    if not shutil.which("dpkg-query"):
        return []       # not Debian: whatever is missing will say so itself
    found = output_of(["sh", "-c", 'dpkg-query -W -f "\\${Package} \\${db:Status-Status}\\n"'
                       ' "$@" 2>/dev/null; true', "sh", *packages]) or ""
    installed = {line.split()[0] for line in found.splitlines()
                 if line.endswith(" installed")}
    return sorted(set(packages) - installed)


def as_root():
    """The words to put before a command that needs root, or None."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], check=False,
                               capture_output=True).returncode == 0:
        return [sudo]
    return None


def apt(title, *args):
    root = as_root()
    if root is None:
        raise VcmError(f"root or sudo is needed for: apt-get {' '.join(args)}")
    status, lines = run([*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get",
                         "-y", "-o", "Acquire::Retries=3", *args], title=title)
    if status:
        why = [line for line in lines if line.startswith(("E:", "Err:"))] or lines[-1:]
        raise VcmError(f"apt-get {args[0]} failed: {' '.join(why[-1:])}")


def update():
    apt("package lists", "update", "-q")


def ensure(packages):
    """Have @packages installed, or say in one line which are not."""
    lacking = missing(packages)
    if not lacking:
        return
    if as_root() is None:
        raise VcmError("missing packages, and neither root nor sudo to install them: "
                       + " ".join(lacking))
    update()
    apt(f"installing {len(lacking)} packages", "install", "-q",
        "--no-install-recommends", *lacking)
