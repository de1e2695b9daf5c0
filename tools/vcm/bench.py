# SPDX-License-Identifier: GPL-2.0-only
"""make bench: what VCMM costs, beside what its peers cost in the same boot."""

import json
import shutil

import benchdoc
import figures
import goals
import initramfs
import ktap
import packages
import platforms
import plot
from boot import boot
from build import kernel_image
from figures import US
from util import BUILD, VcmError, say

FOLDER = BUILD / "bench"


def build(tree, platform):
    packages.ensure(platform.packages)
    return kernel_image(tree, platform.kernel), initramfs.make(tree, platform.kernel)


def measure(platform, built, name):
    """One boot; a list of what is wrong with it, and its log."""
    booted = boot(platform, *built, role="bench", name=name)
    wrong = booted.why() + ktap.complaints(booted.lines, platform.harmless)
    return wrong + figures.troubles(booted.lines), booted.lines


def measure_twice(tree, platform):
    """(the kernel, its figures), on which two boots agree to the digit."""
    built, points = build(tree, platform), []
    for number in (1, 2) if platform.exact else (1,):
        wrong, lines = measure(platform, built, f"{platform.name}-{number}")
        if wrong:
            raise VcmError(f"{platform.name}: {wrong[0]}")
        points.append(figures.parse(lines))
    wrong = figures.differences(points[0], points[-1])
    for line in wrong:
        say(f"  {line}")
    if wrong:
        raise VcmError(f"{platform.name}: two boots differ in {len(wrong)} figures")
    return figures.kernel_of(lines), points[0]


def show_peer(who, peer):
    """A figure, and how many times it is ours."""
    if peer not in who:
        return "-"
    return f"{who[peer]} ({who[US] / who[peer]:.2f})" if US in who and who[peer] \
        else str(who[peer])


def columns(title, points, verdicts):
    """The table of one row: heads, and a list of cells for each point."""
    peers = list(dict.fromkeys(one for who in points.values() for one in who if one != US))
    params = list(dict.fromkeys(name for point in points for name, _ in point.params))
    about = {}
    for verdict in verdicts:
        about.setdefault(verdict.point, []).append(verdict)
    lines = []
    for point, who in points.items():
        asked = about.get(point, [])
        missed = [verdict for verdict in asked if not verdict.met]
        lines.append([*(str(point.get(name)) if point.get(name) is not None else ""
                        for name in params),
                      point.unit, str(who.get(US, "-")),
                      *(show_peer(who, peer) for peer in peers),
                      "; ".join(dict.fromkeys(v.goal.formula for v in asked)),
                      "" if not asked else "met" if not missed else
                      "NOT met" + "".join(f" {v.peer}" for v in missed)])
    heads = [*params, "unit", "VCMM", *(f"{peer} (ratio)" for peer in peers),
             "goal", "met?"]
    return heads, lines


def tables(points, titles, wanted):
    """(row, its title, heads, lines) of each row that was measured"""
    points = goals.with_sums(points, wanted)
    verdicts = goals.judge(wanted, points)
    for row in dict.fromkeys(point.row for point in points):
        mine = {point: who for point, who in points.items() if point.row == row}
        yield (row, titles.get(row, ""), *columns(row, mine, verdicts))


def show_table(heads, lines):
    widths = [max(map(len, cells)) for cells in zip(heads, *lines)]
    for cells in [heads, *lines]:
        say("  " + "  ".join(cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
                             for cell, width in zip(cells, widths)).rstrip())


def save(measured):
    """build/bench/results.json: one record a point."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    records = [{"machine": name, "kernel": kernel, "row": point.row,
                "parameters": dict(point.params), "unit": point.unit,
                "vcm": who.get(US),
                "peers": {one: value for one, value in who.items() if one != US}}
               for name, (kernel, points) in measured.items()
               for point, who in points.items()]
    (FOLDER / "results.json").write_text(json.dumps(records, indent=1) + "\n",
                                         encoding="utf-8")


def summary(measured, wanted):
    """(goal, machine, where it is not met) of every goal on every machine"""
    return [[goal, name, "; ".join(point.words() for point in missed)]
            for name, (_, points) in measured.items()
            for goal, missed in goals.by_name(
                goals.judge(wanted, goals.with_sums(points, wanted))).items()]


def closing(lines):
    for goal, machine, missed in lines:
        if missed:
            say(f"  NOT met on {machine}: {goal}: {missed}")
    met = sum(not missed for _, _, missed in lines)
    say(f"{met} of {len(lines)} goals are met; all figures: {FOLDER / 'results.json'}, "
        "plots beside it")


def bench(tree, chosen, update):
    titles, wanted = goals.load()
    everything = {platform.name for platform in platforms.chosen("", "bench")}
    if update and everything != {platform.name for platform in chosen}:
        raise VcmError("UPDATE= takes all platforms, so not together with PLATFORM=")
    packages.ensure(plot.PACKAGES)
    shutil.rmtree(FOLDER, ignore_errors=True)
    measured = {}
    for platform in chosen:
        say(f"{platform.name}: {platform.summary}")
        measured[platform.name] = measure_twice(tree, platform)
        save(measured)
    documents = benchdoc.Documents(FOLDER)
    for name, (_, points) in measured.items():
        for row, title, heads, lines in tables(points, titles, wanted):
            say(f"\n{row} on {name}: {title}\n")
            show_table(heads, lines)
            documents.add(row, title, name, heads, lines)
    goal_lines = summary(measured, wanted)
    documents.summary([[goal, machine, "NOT at " + missed if missed else "met"]
                       for goal, machine, missed in goal_lines])
    documents.write()
    plot.draw({name: points for name, (_, points) in measured.items()}, FOLDER)
    say()
    closing(goal_lines)
    if update:
        for name, (kernel, points) in measured.items():
            goals.record(kernel, name, points, wanted)
        benchdoc.publish(FOLDER)
    return 0


def test(results, tree, platform):
    """Of make test: one boot, and what is on record must still be true of it."""
    wrong, lines = measure(platform, build(tree, platform), platform.name)
    results.verdict(platform.name, "bench", "runs-to-its-end", wrong)
    if wrong:
        return
    _, wanted = goals.load()
    for name, failures in goals.tests(figures.kernel_of(lines), platform.name,
                                      figures.parse(lines), wanted).items():
        if failures is None:
            results.add(platform.name, "bench", name, "skipped",
                        ["nothing is on record for this compiler"])
        else:
            results.verdict(platform.name, "bench", name, failures)
