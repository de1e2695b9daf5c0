# SPDX-License-Identifier: GPL-2.0-only
"""make demo: boot, and show what a newcomer should see, and nothing else."""

import packages
import platforms
import qemu
from boot import boot
from build import kernel_image
import initramfs
from util import BUILD, VcmError, output_of, say

STORY = "vcm-demo: "
MARK = "vcm-init: "
PLATFORM = "arm64-smmuv3-16"
# Any QEMU has this one.
INSTEAD = "x86-vtd"


def choose(name):
    """What the user says, or the machine with most IOMMUs that can be had."""
    if name:
        return platforms.get(name)
    platform = platforms.get(PLATFORM)
    try:
        qemu.find(platform.qemu_least)
        return platform
    except VcmError as error:
        say(f"vcm: {error}")
        say(f"vcm: so the demonstration runs on {INSTEAD}, which has one IOMMU, "
            f"and not on {PLATFORM}")
        return platforms.get(INSTEAD)


def between(lines, name):
    """What init printed of a debugfs file, without what the kernel said meanwhile."""
    try:
        begin = lines.index(f"{MARK}begin {name}")
        end = lines.index(f"{MARK}end {name}", begin)
    except ValueError:
        raise VcmError(f"the demonstration did not show debugfs {name}") from None
    return [line for line in lines[begin + 1:end] if not line.startswith(STORY)]


def story(lines):
    return [line[len(STORY):] for line in lines if line.startswith(STORY)]


def draw(dot):
    """The mapping graph as the kernel wrote it, and as pictures."""
    folder = BUILD / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "graph.dot").write_text("\n".join(dot) + "\n", encoding="utf-8")
    for kind in ("svg", "png"):
        if output_of(["dot", f"-T{kind}", folder / "graph.dot",
                      "-o", folder / f"graph.{kind}"]) is None:
            raise VcmError(f"dot cannot draw {folder / 'graph.dot'}")
    return folder


def verdict(booted):
    """Why the demonstration failed, as one line, or None."""
    told = story(booted.lines)
    failed = [line for line in told if line.startswith("FAILED")]
    failed += [line for line in booted.lines if line.startswith(f"{MARK}FAILED")]
    if booted.trouble:
        return f"{booted.platform.name} {booted.trouble}"
    if failed:
        return f"the demonstration failed: {failed[0]}"
    if not told or told[-1] != "done":
        return "the demonstration did not come to its end"
    return None


def show(booted):
    told = story(booted.lines)
    # Before the last act the table shows how it was while it played.
    cut = len(story(booted.lines[:booted.lines.index(f"{MARK}begin vcm/contexts")]))
    for line in told[:cut]:
        say(line)
    say("\nWho maps what (/sys/kernel/debug/vcm/contexts):\n")
    for line in between(booted.lines, "vcm/contexts"):
        say(line)
    say()
    for line in told[cut:-1]:
        say(line)
    folder = draw(between(booted.lines, "vcm/graph"))
    say(f"\nThe graph of it: {folder / 'graph.svg'} and {folder / 'graph.png'}")


def demo(tree, platform):
    if not platform.qemu:
        raise VcmError(f"{platform.name} has no devices to show; take a QEMU platform")
    packages.ensure([*platform.packages, "graphviz"])
    image = kernel_image(tree, platform.kernel)
    archive = initramfs.make(tree, platform.kernel)
    booted = boot(platform, image, archive, "kunit.enable=0", role="demo",
                  name=f"{platform.name}-demo")
    say()
    trouble = verdict(booted)
    if trouble:
        for line in story(booted.lines):
            say(line)
        raise VcmError(f"{trouble} ({booted.where()})")
    show(booted)
    return 0
