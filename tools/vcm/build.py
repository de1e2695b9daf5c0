# SPDX-License-Identifier: GPL-2.0-only
"""Build a kernel of the copy, outside of it: one folder a kernel."""

import os
import re
import shutil

import packages
from platforms import HERE
from util import LOGS, VcmError, need_space, run

# The same sources give the same kernel.
FIXED = {"KBUILD_BUILD_TIMESTAMP": "2010-06-29", "KBUILD_BUILD_USER": "vcm",
         "KBUILD_BUILD_HOST": "vcm", "LC_ALL": "C"}
STEP = r"\s+(CC|HOSTCC|AS|LD|AR|GEN|SYSTBL|UPD)\s"


def environment():
    clean = {key: value for key, value in os.environ.items()
             if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES",
                            "ARCH", "CROSS_COMPILE", "KDIR", "EXTRA")}
    return {**clean, **FIXED}


def make(tree, kernel, *args, title=None, log=None):
    """make with the words that @kernel needs; returns (status, lines)."""
    cc = f"{kernel.cross}gcc"
    if shutil.which("ccache"):
        cc = f"ccache {cc}"
    words = ["make", "-C", tree.path, f"O={tree.out / kernel.name}",
             f"ARCH={kernel.arch}", f"CROSS_COMPILE={kernel.cross}", f"CC={cc}",
             f"-j{len(os.sched_getaffinity(0))}", *kernel.make, *args]
    return run(words, title=title, log=log and LOGS / log,
               count=STEP, env=environment())


def complaint(lines):
    """The line of a failed build that says most."""
    for pattern in (r".*(error: |undefined reference|No rule to make)", r"make.*\*\*\*"):
        for line in lines:
            if re.match(pattern, line):
                return re.sub(r"\S*/tree/[^/]+/", "", line.strip())
    return lines[-1] if lines else "no output"


def must(result, what, log):
    status, lines = result
    if status:
        raise VcmError(f"{what}: {complaint(lines)} (see {LOGS / log})")
    return lines


def fragment(name):
    return (HERE / "configs" / f"{name}.config").read_text(encoding="utf-8")


def check_config(out, wanted, kernel):
    """kconfig drops silently what it cannot have; here that is an error."""
    have = set((out / ".config").read_text(encoding="utf-8").splitlines())
    wishes = dict(re.findall(r"^(?:# )?(CONFIG_\w+)(.*)$", wanted, re.M))
    for option, value in wishes.items():
        is_off = value == " is not set"
        if f"{option}{value}" in have or (is_off and not
                                          any(x.startswith(option + "=") for x in have)):
            continue
        wish = f"# {option}{value}" if is_off else f"{option}{value}"
        if wish not in have:
            raise VcmError(f"kernel {kernel.name}: kconfig refuses {wish}")


def configure(tree, kernel):
    out = tree.out / kernel.name
    out.mkdir(parents=True, exist_ok=True)
    wanted = "".join(fragment(name) for name in kernel.configs)
    (out / "wanted.config").write_text(wanted, encoding="utf-8")
    log = f"{kernel.name}-config.log"
    must(make(tree, kernel, f"KCONFIG_ALLCONFIG={out / 'wanted.config'}", "allnoconfig",
              log=log), f"configuring {kernel.name}", log)
    check_config(out, wanted, kernel)
    return out


def kernel_image(tree, kernel):
    """Build @kernel; the path of its image."""
    packages.ensure(packages.BUILD + kernel.packages)
    if not (tree.out / kernel.name).exists():
        need_space(tree.out, 2)
    out = configure(tree, kernel)
    log = f"{kernel.name}-build.log"
    target = os.path.basename(kernel.image)
    must(make(tree, kernel, target, title=f"building {kernel.name}", log=log),
         f"building {kernel.name}", log)
    return out / kernel.image
