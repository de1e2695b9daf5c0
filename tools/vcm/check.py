# SPDX-License-Identifier: GPL-2.0-only
"""make check: what can be known without running anything. One line a check."""

import fnmatch
import os
import re

import build
import docs
import lint
import packages
import series
from platforms import Kernel
from results import Results, total
from util import VcmError, say

COMMON = ["base", "iommu"]
COMPILERS = {
    "x86_64": Kernel("check-x86_64", "x86_64", [*COMMON, "edu", "x86_64", "bench-rows"]),
    "arm64": Kernel("check-arm64", "arm64", [*COMMON, "edu", "arm64", "bench-rows"],
                    cross="aarch64-linux-gnu-", packages=["gcc-aarch64-linux-gnu"]),
    "arm": Kernel("check-arm", "arm", [*COMMON, "iommufd", "arm"],
                  cross="arm-linux-gnueabihf-", packages=["gcc-arm-linux-gnueabihf"]),
    "arm-lpae": Kernel("check-arm-lpae", "arm",
                       [*COMMON, "iommufd", "arm", "arm-lpae"],
                       cross="arm-linux-gnueabihf-",
                       packages=["gcc-arm-linux-gnueabihf"]),
    "riscv64": Kernel("check-riscv64", "riscv", [*COMMON, "edu", "iommufd", "riscv64"],
                      cross="riscv64-linux-gnu-", packages=["gcc-riscv64-linux-gnu"]),
    "uml": Kernel("check-uml", "um", [*COMMON, "iommufd", "uml"]),
    "no-iommu-api": Kernel("check-no-iommu-api", "um", ["base", "no-iommu-api", "uml"]),
    "clang": Kernel("check-clang", "x86_64", [*COMMON, "edu", "x86_64", "bench-rows"],
                    packages=["clang"], make=["CC=clang"]),
}
NO_VCM = Kernel("check-no-vcm", "um", ["no-vcm", "uml"])
PROGRAMS = "tools/"      # not parts of the kernel
OURS = re.compile(r"\b(vcm\w*|range_space\w*|size_p(?:lan|ool)\w*)\.o\b")


def objects(tree):
    """What to build: folders that have a Makefile of ours, other files one by one."""
    folders = [os.path.dirname(path) + "/" for path in tree.own_files("/Makefile")
               if not path.startswith(PROGRAMS)]
    files = [path[:-2] + ".o" for path in tree.own_files(".c")
             if not path.startswith((*folders, PROGRAMS))]
    return files + folders


def compile_objects(tree, kernel, *words):
    """Compile our files, and of the rest only what must come before."""
    packages.ensure(packages.BUILD + kernel.packages)
    build.configure(tree, kernel)
    return build.make(tree, kernel, *words, *objects(tree), log=f"{kernel.name}.log",
                      title=f"compiling for {kernel.name}")


def shorten(tree, lines):
    return [re.sub(rf"\S*{re.escape(tree.path.name)}/", "", line) for line in lines]


def warnings(tree, kernel):
    """gcc or clang at W=1, in which any warning ends the build."""
    status, lines = compile_objects(tree, kernel, "W=1e")
    if not status:
        return []
    return shorten(tree, [line for line in lines
                          if re.search(r"(warning|error):|No rule|\*\*\*", line)])[:20]


def sparse(tree):
    packages.ensure(["sparse"])
    kernel = COMPILERS["x86_64"]
    status, lines = compile_objects(tree, kernel, "C=2")
    ours = tuple(tree.own_files(".c", ".h"))
    found = [line for line in shorten(tree, lines)
             if re.search(r": (warning|error):", line) and line.startswith(ours)]
    return found or (lines[-3:] if status else [])


def without_vcm(tree):
    """With CONFIG_VCM=n make has nothing of ours to build."""
    kernel = NO_VCM
    build.configure(tree, kernel)
    build.must(build.make(tree, kernel, "prepare", log="check-no-vcm.log"),
               "preparing a kernel without VCMM", "check-no-vcm.log")
    _, lines = build.make(tree, kernel, "-n", "mm/", "lib/", "drivers/iommu/",
                          "samples/", log="check-no-vcm.log")
    if not any("mm/slub" in line or "mm/memory.o" in line for line in lines):
        return ["make -n does not tell what it would build"]
    found = {match[0] for line in lines for match in OURS.finditer(line)}
    return [f"would be built: {name}" for name in sorted(found)]


def all_checks():
    """name -> function(tree) that returns what it found"""
    checks = {f"warnings-{name}": lambda tree, kernel=kernel: warnings(tree, kernel)
              for name, kernel in COMPILERS.items()}
    checks.update({"no-objects-without-config-vcm": without_vcm, "sparse": sparse,
                   "documentation": docs.build, "series": series.differences, **lint.CHECKS})
    return checks


def check(tree, pattern):
    results = Results("check")
    for name, function in all_checks().items():
        if not fnmatch.fnmatchcase(name, pattern or "*"):
            continue
        try:
            found = function(tree)
        except VcmError as error:
            found = [str(error)]
        results.verdict("check", "static", name, found)
        if not found:
            say(f"  ok {name}")
    results.save()
    return total(results.items)
