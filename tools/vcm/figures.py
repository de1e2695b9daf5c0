# SPDX-License-Identifier: GPL-2.0-only
"""What a benchmark said: figures, read out of the log of a boot.

A figure is a line of the kernel's log, see drivers/iommu/vcm/bench/vcm_bench.h:

    vcm-bench: B1|op=map size=4096 scattered=0|vcm|1152|instructions
"""

import re
from dataclasses import dataclass

from util import VcmError

MARK = "vcm-bench: "
ROW = re.compile(r"vcm-init: bench (\S+)$")
FAILED = re.compile(r"vcm-bench: (\S+ failed .*)|vcm-init: (FAILED .*)")
FIGURE = re.compile(r"vcm-bench: (\w+)\|([^|]*)\|(\w+)\|(\d+)\|(.+)$")
US = "vcm"
# A clock on the wall: of all units the only one that no two boots agree on.
REAL_TIME = "nanoseconds"


@dataclass(frozen=True)
class Point:
    """What was measured, whoever did it."""
    row: str
    params: tuple       # of (name, value), as they were said
    unit: str

    def get(self, name):
        return dict(self.params).get(name)

    def having(self, **changes):
        """The same with other parameters."""
        return Point(self.row, tuple((name, changes.get(name, value))
                                     for name, value in self.params), self.unit)

    def without(self, name):
        return tuple(pair for pair in self.params if pair[0] != name)

    def words(self):
        return " ".join(f"{name}={value}" for name, value in self.params)

    def __str__(self):
        return f"{self.row} {self.words()}"


def value_of(text):
    return int(text) if text.isdigit() else text


def parse(lines):
    """Point -> {who: figure}, in the order in which they were said."""
    found = {}
    for line in lines:
        match = FIGURE.match(line)
        if not match:
            continue
        params = tuple((name, value_of(value)) for name, value in
                       (word.split("=", 1) for word in match[2].split()))
        who = found.setdefault(Point(match[1], params, match[5]), {})
        if match[3] in who:
            raise VcmError(f"a figure that was said twice: {line}")
        who[match[3]] = int(match[4])
    return found


def troubles(lines):
    """Rows that did not come to their end, or that said nothing."""
    found = [match[1] or match[2] for match in map(FAILED.match, lines) if match]
    said = {point.row for point in parse(lines)}
    asked = [match[1] for match in map(ROW.match, lines) if match]
    silent = [f"row {row} said nothing" for row in asked if row not in said]
    return found + silent or ([] if asked else ["no row was asked for"])


def differences(one, two):
    """Two boots of one kernel must say the same, to the digit."""
    found = []
    for point in dict.fromkeys([*one, *two]):
        if point.unit == REAL_TIME:
            continue
        left, right = one.get(point, {}), two.get(point, {})
        for who in dict.fromkeys([*left, *right]):
            if left.get(who) != right.get(who):
                found.append(f"{point} {who}: {left.get(who)} in the first boot, "
                             f"{right.get(who)} in the second")
    return found


def kernel_of(lines):
    """Which counts can be compared: "Linux 6.12, gcc 12"."""
    for line in lines:
        match = re.search(r"Linux version (\d+\.\d+).*?(gcc|clang)\D.*?(\d+)\.\d+\.\d+", line)
        if match:
            return f"Linux {match[1]}, {match[2]} {match[3]}"
    raise VcmError("the log does not say which kernel it is of")
