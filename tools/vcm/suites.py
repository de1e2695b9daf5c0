# SPDX-License-Identifier: GPL-2.0-only
"""make test: every suite, of KUnit and of user space, on every platform."""

import fnmatch

import bench
import initramfs
import ktap
import packages
from boot import boot
from build import kernel_image
from results import Results, total
from util import VcmError, say


def wanted(suites, pattern):
    """Of the suites that must run, those that a SUITE= filter leaves."""
    glob = (pattern or "*").split(".")[0]
    return [suite for suite in suites if fnmatch.fnmatchcase(suite, glob)]


def memory_leaks(lines):
    """What kmemleak printed between the marks of init."""
    try:
        begin = lines.index("vcm-init: begin kmemleak")
        end = lines.index("vcm-init: end kmemleak", begin)
    except ValueError:
        return ["kmemleak was not asked: init did not come so far"]
    return lines[begin + 1:end]


def judge(results, platform, booted, pattern):
    """All that one boot tells."""
    kernel, programs = ktap.programs(booted.lines)
    parsed = ktap.parse(kernel)
    for program in map(ktap.parse, programs):
        # They run whatever KUnit was told to run.
        if wanted(program.suites, pattern):
            parsed.tests += program.tests
        parsed.suites |= program.suites
        parsed.problems += program.problems
    for test in parsed.tests:
        results.add(platform.name, test.suite, test.name, test.status, test.log)
    absent = [f"required, but it did not run: {suite}"
              for suite in wanted(platform.suites, pattern) if suite not in parsed.suites]
    log = ktap.complaints(booted.lines, platform.harmless)
    verdicts = [("boots-and-ends", booted.why()),
                ("results-are-complete", parsed.problems + absent),
                ("no-complaints-in-the-log", log)]
    if platform.user_space:
        verdicts.append(("no-memory-leaks", memory_leaks(booted.lines)))
    for test, failures in verdicts:
        results.verdict(platform.name, "platform", test, failures)


def filters(platform, pattern):
    """The words that tell KUnit what to run; None if nothing is left to run.

    KUnit takes one pattern of names, but can leave out any number of modules:
    those of the suites that this platform skips. A file is named after its suite.
    """
    left = wanted(platform.suites, pattern)
    if pattern and not left and wanted(platform.skip, pattern):
        return None
    words = [f"kunit.filter_glob={pattern}"] if pattern else []
    if platform.skip:
        names = ",".join(f"module!={suite}_kunit" for suite in platform.skip)
        # What is longer the kernel ignores, and runs everything.
        if len(names) > 1023:
            raise VcmError(f"{platform.name}: the suites to skip take {len(names)} characters "
                           "on the kernel's command line, 1023 is the limit")
        words.append(f"kunit.filter={names}")
    return " ".join(words)


def run_platform(results, tree, platform, pattern):
    words = filters(platform, pattern)
    if words is None:
        return
    say(f"{platform.name}: {platform.summary}")
    try:
        if platform.bench:
            if wanted(["bench"], pattern):
                bench.test(results, tree, platform)
                results.show_suites(platform.name)
            return
        packages.ensure(platform.packages)
        image = kernel_image(tree, platform.kernel)
        archive = initramfs.make(tree, platform.kernel)
        booted = boot(platform, image, archive, f"kunit.enable=1 {words}")
    except VcmError as error:
        results.verdict(platform.name, "platform", "builds-and-starts", [str(error)])
        return
    judge(results, platform, booted, pattern)
    results.show_suites(platform.name)


def test(tree, chosen, pattern):
    results = Results("results")
    for platform in chosen:
        run_platform(results, tree, platform, pattern)
    # One that did not start has said why.
    if pattern and all(item["suite"] == "platform" and item["test"] != "builds-and-starts"
                       for item in results.items):
        results.verdict("all", "platform", "suite-exists", [f"no suite matches {pattern}"])
    results.save()
    return total(results.items)
