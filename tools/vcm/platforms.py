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
    smmuv3: list = field(default_factory=list)  # more arguments, see smmuv3_words()
    qemu_least: str = ""            # the version of QEMU that it takes
    firmware: bool = False          # does it boot by UEFI?
    packages: list = field(default_factory=list)
    suites: list = field(default_factory=list)  # groups of suites.toml that must run
    skip: list = field(default_factory=list)    # groups that must not
    harmless: list = field(default_factory=list)    # lines of the log to overlook
    user_space: bool = True         # can it run init?
    bench: bool = False             # does it measure, and run no suites?
    exact: bool = False             # one CPU, whose clock counts instructions
    test: bool = True               # does make test boot it?
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


def is_for(command, platform):
    return platform.bench if command == "bench" else platform.test


# A name that stands for more.
DEVICES = {"edu": "edu,dma_mask=0xffffffffffffffff"}


def device_words(port, devices):
    """What is in one slot: a device, or a list of them, its functions."""
    devices = [devices] if isinstance(devices, str) else devices
    words = []
    for function, device in enumerate(devices):
        more = ",multifunction=on" if len(devices) > 1 else ""
        words += ["-device", f"{DEVICES.get(device, device)},bus={port},"
                             f"addr=0.{function}{more}"]
    return words


def smmuv3_words(units):
    """SMMUv3 instances, each in front of a PCIe bus of its own.

    A unit of a platform file has options of QEMU's arm-smmuv3, a count of units
    that are alike (1), and what is in the slots of its bus. The bus of the first
    unit is 8, that of the second 16, and so on; its slots are root ports, which
    lead to the buses that follow. So the devices of the second unit are called
    0000:11:00.0, 0000:12:00.0, and Linux finds those of the last unit first.
    """
    words = []
    alike = [unit for unit in units for _ in range(unit.get("count", 1))]
    for number, unit in enumerate(alike, 1):
        bus = f"pcie.{number}"
        options = unit.get("options", "")
        words += ["-device", f"pxb-pcie,id={bus},bus_nr={8 * number},bus=pcie.0",
                  "-device", f"arm-smmuv3,primary-bus={bus},id=smmu.{number}"
                             + (f",{options}" if options else "")]
        for slot, devices in enumerate(unit["slots"]):
            port = f"port.{number}.{slot}"
            words += ["-device", f"pcie-root-port,id={port},bus={bus},addr={slot}.0,"
                                 f"chassis={number},slot={slot}",
                      *device_words(port, devices)]
    return words


def get(name):
    if name not in names():
        raise VcmError(f"no platform {name}; there are: {' '.join(names())}")
    platform = load("platforms", name, Platform)
    platform.kernel = load("kernels", platform.kernel, Kernel)
    platform.qemu = platform.qemu + smmuv3_words(platform.smmuv3)
    groups = suite_groups()
    try:
        platform.suites = [suite for group in platform.suites for suite in groups[group]]
        platform.skip = [suite for group in platform.skip for suite in groups[group]]
    except KeyError as error:
        raise VcmError(f"platform {name}: suites.toml has no group {error}") from None
    return platform


def chosen(text, command="test"):
    """PLATFORM= is a list of names, or empty for all that a command boots."""
    named = (text or "").replace(",", " ").split()
    found = [get(name) for name in named or names()]
    if command == "bench" and not all(platform.bench for platform in found if named):
        raise VcmError("these measure: " + " ".join(p.name for p in map(get, names())
                                                    if p.bench))
    return found if named else [p for p in found if is_for(command, p)]
