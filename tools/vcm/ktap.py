# SPDX-License-Identifier: GPL-2.0-only
"""Read the results of KUnit, and the complaints of the kernel, out of a log."""

import re
from dataclasses import dataclass, field

INDENT = 4
RESULT = re.compile(r"( *)(not ok|ok) \d+ ?-? ?(.*?)(?: # (SKIP|TODO|TIMEOUT)\b ?(.*))?$")
PLAN = re.compile(r"( *)1\.\.(\d+)$")
SUBTEST = re.compile(r"( *)# Subtest: (.*)$")
HEADER = re.compile(r" *KTAP version \d+$")

# Each of these is a bug of somebody, whatever the tests say.
COMPLAINTS = re.compile(
    r"WARNING:|BUG:|Oops|UBSAN:|KASAN|KCSAN|kernel BUG at|Kernel panic"
    r"|INFO: (possible|inconsistent|suspicious|rcu|task|trying)|DEBUG_LOCKS_WARN_ON"
    r"|suspicious RCU usage|refcount_t:|general protection fault|Unable to handle"
    r"|Internal error:|ODEBUG:|unreferenced object|list_(add|del) corruption"
    r"|Bad page state|scheduling while atomic|sleeping function called"
    r"|kmemleak: .*(leaks|disabled)|DMA-API:|segfault|soft lockup|hung task")


@dataclass
class Test:
    suite: str
    name: str
    status: str                 # passed, failed, skipped
    log: list = field(default_factory=list)


@dataclass
class Frame:
    """A list of results that is being read: the top, a suite, a test with cases."""
    depth: int
    name: str
    plan: int = -1
    seen: int = 0
    failures: int = 0


class Parser:
    def __init__(self):
        self.tests = []
        self.suites = set()
        self.problems = []
        self.frames = []
        self.log = []
        self.found = False

    def feed(self, line):
        if HEADER.match(line):
            self.found = True
            if not self.frames:
                self.frames = [Frame(0, "KUnit")]
        elif not self.frames:
            return
        elif match := SUBTEST.match(line):
            self.frames.append(Frame(len(match[1]) // INDENT, match[2]))
            self.log = []
        elif match := PLAN.match(line):
            self.frames[-1].plan = int(match[2])
        elif match := RESULT.match(line):
            self.result(len(match[1]) // INDENT, match)
        else:
            self.log.append(line)

    def result(self, depth, match):
        name, ok = match[3], match[2] == "ok"
        inner = None
        while self.frames[-1].depth > depth and len(self.frames) > 1:
            inner = self.close()
        frame = self.frames[-1]
        if frame.depth != depth:
            self.problems.append(f"result out of place: {match[0].strip()}")
            return
        frame.seen += 1
        if depth == 0:
            self.suites.add(name)
        skipped = ok and match[4] == "SKIP"
        if not (inner and inner.seen and (ok or inner.failures)):
            # A leaf, or one whose failure no leaf explains.
            path = [f.name for f in self.frames[1:]] + [name]
            if inner and ok and not inner.seen:
                pass            # a suite of which the filter left nothing
            else:
                status = "skipped" if skipped else "passed" if ok else "failed"
                log = self.log + ([match[5]] if match[5] else [])
                self.tests.append(Test(path[0], ".".join(path[1:]) or "(suite)",
                                       status, log if status != "passed" else []))
        if not ok:
            frame.failures += 1
        self.log = []

    def close(self):
        frame = self.frames.pop()
        if frame.plan >= 0 and frame.plan != frame.seen:
            self.problems.append(f"{frame.name}: {frame.seen} results "
                                 f"of {frame.plan}: the output is cut off")
        return frame

    def end(self):
        if not self.found:
            self.problems.append("no KUnit results at all")
        elif self.frames and self.frames[0].plan < 0:
            self.problems.append("KUnit did not say how many suites there are")
        while self.frames:
            if len(self.frames) > 1:
                self.problems.append(f"cut off in {self.frames[-1].name}")
            self.close()


def parse(lines):
    parser = Parser()
    for line in lines:
        parser.feed(line)
    parser.end()
    return parser


def programs(lines):
    """Part the log: what the kernel said, and the TAP of each selftest, as KTAP.

    What the kernel says meanwhile ends up in the latter, which does no harm.
    """
    kernel, found, name = [], [], None
    for line in lines:
        match = re.match(r"vcm-init: (begin|passed|failed) selftest (\S+)$", line)
        if match and match[1] == "begin":
            name = match[2]
            found.append(["KTAP version 1", "1..1", f"    # Subtest: {name}"])
        elif match and name:
            found[-1].append(f"{'ok' if match[1] == 'passed' else 'not ok'} 1 {name}")
            name = None
        elif name:
            # Kselftest has the name of a skipped test behind the word.
            found[-1].append("    " + re.sub(r"^(ok \d+) # SKIP (.*)", r"\1 \2 # SKIP",
                                             line))
        else:
            kernel.append(line)
    return kernel, found


def complaints(lines, harmless):
    """Lines in which the kernel reports a bug, less the @harmless ones."""
    return [line.strip() for line in lines if COMPLAINTS.search(line)
            and not line.lstrip().startswith(("#", "ok ", "not ok "))
            and not any(text in line for text in harmless)]
