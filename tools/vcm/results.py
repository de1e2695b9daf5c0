# SPDX-License-Identifier: GPL-2.0-only
"""Results: shown while they come, kept as JSON, summed in the last line."""

import json
from collections import Counter

from util import BUILD, VcmError, say


SHOWN = 20      # lines of the log of a failure; the last ones say most


class Results:
    def __init__(self, name):
        self.path = BUILD / f"{name}.json"
        self.items = []
        self.path.unlink(missing_ok=True)

    def add(self, platform, suite, test, status, log=()):
        self.items.append({"platform": platform, "suite": suite, "test": test,
                           "status": status, "log": list(log)})
        if status == "failed":
            say(f"  FAILED {platform} {suite}.{test}")
            if len(log) > SHOWN:
                say(f"    | ... {len(log) - SHOWN} lines more in {self.path}")
            for line in list(log)[-SHOWN:]:
                say(f"    | {line.rstrip()}")

    def verdict(self, platform, suite, test, failures):
        """A test of ours: passed if there are no @failures."""
        self.add(platform, suite, test, "failed" if failures else "passed", failures)

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.items, indent=1) + "\n", encoding="utf-8")

    def show_suites(self, platform):
        """One line a suite."""
        suites = {}
        for item in self.items:
            if item["platform"] == platform:
                suites.setdefault(item["suite"], Counter())[item["status"]] += 1
        for suite, count in suites.items():
            words = [f"{count[status]} {status}" for status in
                     ("passed", "failed", "skipped") if count[status]]
            say(f"  {suite:32} {', '.join(words)}")


def total(items):
    """Say the closing line; the exit status."""
    count = Counter(item["status"] for item in items)
    say(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


def total_of_files(names):
    """The sum of earlier runs; one that left no results has failed."""
    items = []
    for name in names:
        try:
            items += json.loads((BUILD / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            say(f"  FAILED {name}: it left no results")
            items.append({"status": "failed"})
    if not items:
        raise VcmError("nothing to sum")
    return total(items)
