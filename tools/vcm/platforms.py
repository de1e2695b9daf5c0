# SPDX-License-Identifier: GPL-2.0-only
"""Platforms and kernels: one small file each, read here."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from util import VcmError

HERE = Path(__file__).resolve().parent


@dataclass
class Kernel:
    """How to build a kernel; several platforms may boot the same."""
    name: str
    arch: str
    configs: list                   # fragments in configs/, in order
    image: str = ""                 # what to boot, in the build folder
    cross: str = ""                 # prefix of the tool chain
    packages: list = field(default_factory=list)
    make: list = field(default_factory=list)    # more words for make


@dataclass
class Platform:
    """A machine to boot a kernel on."""
    name: str
    summary: str
    kernel: Kernel
    append: str                     # kernel command line
    qemu: list = field(default_factory=list)    # program and arguments; none = UML
    packages: list = field(default_factory=list)
    suites: list = field(default_factory=list)  # groups of suites.toml that must run
    only: str = ""                  # the one suite that runs there; all, if empty
    harmless: list = field(default_factory=list)    # lines of the log to overlook
    user_space: bool = True         # can it run init?
    memory: int = 1024              # MiB
    stall: int = 120                # seconds without output: it hangs
    limit: int = 900                # seconds in all


def load(kind, name, cls):
    path = HERE / kind / f"{name}.toml"
    try:
        return cls(name=name, **tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise VcmError(f"{path}: {error}") from None


def suite_groups():
    return tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))


def names():
    """All platforms; UML first, it is the one that fails fastest."""
    found = sorted(path.stem for path in (HERE / "platforms").glob("*.toml"))
    return sorted(found, key=lambda name: name != "uml")


def get(name):
    if name not in names():
        raise VcmError(f"no platform {name}; there are: {' '.join(names())}")
    platform = load("platforms", name, Platform)
    platform.kernel = load("kernels", platform.kernel, Kernel)
    groups = suite_groups()
    try:
        platform.suites = [suite for group in platform.suites for suite in groups[group]]
    except KeyError as error:
        raise VcmError(f"platform {name}: suites.toml has no group {error}") from None
    return platform


def chosen(text):
    """PLATFORM= is empty for all, or a list of names."""
    return [get(name) for name in (text or "").replace(",", " ").split() or names()]
