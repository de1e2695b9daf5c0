# SPDX-License-Identifier: GPL-2.0-only
"""Plots of the benchmarks, SVG and PNG, by gnuplot."""

from dataclasses import dataclass, field

from figures import US
from util import VcmError, run

PACKAGES = ["gnuplot-nox", "fonts-dejavu-core"]
TERMINALS = {"svg": 'svg size 760,520 dynamic background "white" font "DejaVu Sans,12"',
             "png": 'pngcairo size 1140,780 font "DejaVu Sans,14"'}
LICENCE = "<!-- SPDX-License-Identifier: GPL-2.0-only -->"


@dataclass
class Plot:
    name: str
    title: str
    row: str
    x: str                  # the parameter along the bottom
    label: str
    unit: str = "instructions"
    where: dict = field(default_factory=dict)


PLOTS = [
    Plot("size-back", "Back and unback (B1)", "B1", "size", "bytes",
         where={"scattered": 0}),
    Plot("size-job", "Address and mapping (B2)", "B2", "size", "bytes",
         where={"scattered": 0}),
    Plot("iommus-map", "One buffer for many IOMMUs (B3)", "B3", "n", "IOMMUs"),
    Plot("iommus-pages", "Page tables of one buffer for many IOMMUs (B4)", "B4", "n",
         "IOMMUs", unit="pages"),
    Plot("live", "Reserve and unreserve (B5)", "B5", "live", "live reservations"),
    Plot("mappers", "From a physical address to its mappers (B9)", "B9", "mappers",
         "mappers in the system"),
]


def curves(plot, points):
    """name of a line -> [(x, y)]; one for each who, and set of other parameters"""
    found = {}
    mine = {point: who for point, who in points.items()
            if (point.row, point.unit) == (plot.row, plot.unit)
            and all(point.get(name) == value for name, value in plot.where.items())
            and isinstance(point.get(plot.x), int)}
    vary = [name for name in dict.fromkeys(n for point in mine for n, _ in point.params)
            if len({point.get(name) for point in mine}) > 1 and name != plot.x]
    for point, who in mine.items():
        rest = " ".join(str(point.get(name)) for name in vary
                        if point.get(name) is not None)
        for one, figure in who.items():
            label = f"{'VCMM' if one == US else one} {rest}".strip()
            found.setdefault(label, []).append((point.get(plot.x), figure))
    return {label: sorted(line) for label, line in found.items() if len(line) > 1}


def script(plot, machine, lines, kind, target):
    words = [f"set terminal {TERMINALS[kind]}", f'set output "{target}"',
             f'set title "{plot.title}, {machine}" noenhanced',
             f'set xlabel "{plot.label}"', f'set ylabel "{plot.unit}"',
             "set logscale xy", "set grid", "set key below noenhanced",
             "set format y '%.0s%c'", "set format x '%.0s%c'",
             "set style data linespoints"]
    for number, line in enumerate(lines.values()):
        words += [f"$line{number} << END", *(f"{x} {y}" for x, y in line if y > 0), "END"]
    words.append("plot " + ", ".join(
        f'$line{number} title "{label}" linewidth {3 if label.startswith("VCMM") else 1}'
        for number, label in enumerate(lines)))
    return "\n".join(words) + "\n"


def draw_one(plot, machine, lines, folder):
    for kind in TERMINALS:
        target = folder / f"{plot.name}-{machine}.{kind}"
        file = folder / f"{plot.name}-{machine}.gnuplot"
        file.write_text(script(plot, machine, lines, kind, target), encoding="utf-8")
        status, said = run(["gnuplot", file])
        if status or not target.exists():
            said = [line.strip() for line in said if line.strip()]
            raise VcmError(f"gnuplot cannot draw {target.name}: {' '.join(said[-1:])}")
        file.unlink()
    picture = folder / f"{plot.name}-{machine}.svg"
    head, rest = picture.read_text(encoding="utf-8").split("\n", 1)
    picture.write_text(f"{head}\n{LICENCE}\n{rest}", encoding="utf-8")


def draw(measured, folder):
    """Each plot for each machine that has two points for it."""
    for plot in PLOTS:
        for machine, points in measured.items():
            lines = curves(plot, points)
            if lines:
                draw_one(plot, machine, lines, folder)
