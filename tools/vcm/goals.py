# SPDX-License-Identifier: GPL-2.0-only
"""What it may cost: the goals of goals.toml, and budgets of what was reached.

A goal is a formula. It is asked at each point of a row, with these names:

    vcm, peer           the figures at this point
    at(n=1)             the figure of VCMM where a parameter is another
    peer_at(n=1)        that of the peer
    and every parameter of the point by its name
"""

import json
import tomllib
from dataclasses import dataclass, field

from figures import REAL_TIME, US, Point
from platforms import HERE
from util import VcmError

GOALS = HERE / "goals.toml"
BUDGETS = HERE / "budgets.json"
SLACK = 1.02        # by how much a ratio may get worse


@dataclass
class Goal:
    row: str
    formula: str
    where: dict = field(default_factory=dict)   # parameters, one value or several
    sum: str = ""                       # a parameter whose values are added up
    peers: list = field(default_factory=list)   # without, all that there are
    unit: str = "instructions"

    def __str__(self):
        where = "".join(f" {name}={value}" for name, value in self.where.items())
        total = f" (all {self.sum})" if self.sum else ""
        return f"{self.row}{where}{total}: {self.formula}"

    def wants(self, point):
        if (point.row, point.unit) != (self.row, self.unit):
            return False
        return all(point.get(name) in (value if isinstance(value, list) else [value])
                   for name, value in self.where.items())


@dataclass
class Verdict:
    goal: Goal
    point: Point
    peer: str           # "" where the formula names none
    met: bool

    def name(self):
        return f"{self.goal}" + (f" [{self.peer}]" if self.peer else "")


def load():
    """titles of the rows, goals"""
    try:
        rows = tomllib.loads(GOALS.read_text(encoding="utf-8"))
        return ({name: row["title"] for name, row in rows.items()},
                [Goal(name, **goal) for name, row in rows.items()
                 for goal in row.get("goal", [])])
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise VcmError(f"{GOALS}: {error}") from None


def summed(points, name):
    """The points added up over the values of one parameter."""
    groups = {}
    for point, who in points.items():
        if point.get(name) is not None:
            key = (point.row, point.without(name), point.unit)
            groups.setdefault(key, []).append((point.get(name), who))
    found = {}
    for (row, params, unit), parts in groups.items():
        if len(parts) == 1:
            continue
        label = "+".join(str(value) for value, _ in parts)
        common = set.intersection(*(set(who) for _, who in parts))
        found[Point(row, ((name, label), *params), unit)] = {
            one: sum(who[one] for _, who in parts) for one in parts[0][1] if one in common}
    return found


def with_sums(points, goals):
    """The points, and those sums that a goal is about."""
    sums = {}
    for row, name in dict.fromkeys((goal.row, goal.sum) for goal in goals if goal.sum):
        sums.update(summed({point: who for point, who in points.items()
                            if point.row == row}, name))
    return {**points, **sums}


def is_met(goal, points, point, peer):
    def look(who, changes):
        figure = points.get(point.having(**changes), {}).get(who)
        if figure is None:
            raise VcmError(f"{goal}: no figure of {who} at {point.having(**changes)}")
        return figure

    names = {**dict(point.params), "min": min, "max": max, "vcm": look(US, {}),
             "at": lambda **changes: look(US, changes),
             "peer_at": lambda **changes: look(peer, changes)}
    if peer:
        names["peer"] = look(peer, {})
    try:
        return bool(eval(goal.formula, {"__builtins__": {}}, names))
    except (NameError, SyntaxError, TypeError, ZeroDivisionError) as error:
        raise VcmError(f"{GOALS}: {goal}: {error}") from None


def judge(goals, points):
    """Ask each goal at each of its points."""
    verdicts = []
    for goal in goals:
        for point, who in points.items():
            if not goal.wants(point) or US not in who:
                continue
            if goal.sum and "+" not in str(point.get(goal.sum)):
                continue
            peers = [""]
            if "peer" in goal.formula:
                peers = [one for one in who if one != US
                         and (not goal.peers or one in goal.peers)]
            verdicts += [Verdict(goal, point, peer, is_met(goal, points, point, peer))
                         for peer in peers]
    return verdicts


def by_name(verdicts):
    """name -> (is it met everywhere?, the points where it is not)"""
    found = {}
    for verdict in verdicts:
        found.setdefault(verdict.name(), []).extend([] if verdict.met else [verdict.point])
    return found


def ratios(points):
    """'point|peer' -> how many times the peer's figure ours is"""
    return {f"{point}|{peer}": who[US] / figure
            for point, who in points.items() if US in who and point.unit != REAL_TIME
            for peer, figure in who.items() if peer != US and figure and who[US]}


def budgets():
    try:
        return json.loads(BUDGETS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def record(kernel, machine, points, goals):
    """Make what is reached now the budget of tomorrow."""
    known = budgets()
    met = [name for name, missed in by_name(judge(goals, with_sums(points, goals))).items()
           if not missed]
    known.setdefault(kernel, {})[machine] = {
        "goals": sorted(met),
        "ratios": {key: float(f"{ratio:.4g}") for key, ratio in ratios(points).items()}}
    BUDGETS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def tests(kernel, machine, points, goals):
    """test -> what is wrong; or None where nothing is on record."""
    found = {"goals-on-record": None, "ratios-on-record": None}
    known = budgets().get(kernel, {}).get(machine)
    if not known:
        return found
    missed = by_name(judge(goals, with_sums(points, goals)))
    found = {}
    for name in known["goals"]:
        if name in missed:
            found[name] = [f"not at {point}" for point in missed[name]]
        else:
            found[name] = ["this goal is on record, and nobody asked for it"]
    now = ratios(points)
    for key, ratio in known["ratios"].items():
        failures = found.setdefault(f"{key.split()[0]}: ratios to the peers", [])
        if key not in now:
            failures.append(f"{key} is on record, and was not measured")
        elif now[key] > ratio * SLACK:
            failures.append(f"{key}: {now[key]:.4g} times the peer, {ratio:.4g} on record")
    return found
