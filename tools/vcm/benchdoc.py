# SPDX-License-Identifier: GPL-2.0-only
"""The figures as the documentation includes them: no number is typed by hand."""

import csv
import io
import re

from util import ROOT, VcmError, say

PUBLISHED = ROOT / "Documentation" / "mm" / "vcm" / "performance"


def table(title, heads, lines):
    """A csv-table of reStructuredText"""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([heads, *lines])
    body = "".join(f"   {line}\n" for line in text.getvalue().splitlines())
    return f".. csv-table:: {title}\n   :header-rows: 1\n\n{body}\n"


class Documents:
    """One file a row, with a table for each machine."""

    def __init__(self, folder):
        self.folder = folder
        self.rows = {}

    def add(self, row, title, machine, heads, lines):
        self.rows.setdefault(row, []).append(
            table(f"{row} on {machine}: {title}", heads, lines))

    def summary(self, lines):
        self.rows["summary"] = [table("Goals", ["goal", "machine", "met?"], lines)]

    def write(self):
        for row, texts in self.rows.items():
            head = ".. SPDX-License-Identifier: GPL-2.0\n.. Written by 'make bench'.\n\n"
            (self.folder / f"{row.lower()}.txt").write_text(head + "".join(texts),
                                                            encoding="utf-8")


def publish(folder):
    """Lay the tables and plots that the document shows beside it."""
    text = PUBLISHED.with_suffix(".rst").read_text(encoding="utf-8")
    PUBLISHED.mkdir(parents=True, exist_ok=True)
    for old in PUBLISHED.iterdir():
        old.unlink()
    for name in re.findall(rf"{PUBLISHED.name}/(\S+)", text):
        if not (folder / name).exists():
            raise VcmError(f"{PUBLISHED.name}.rst shows {name}, which was not made")
        (PUBLISHED / name).write_bytes((folder / name).read_bytes())
    say(f"{PUBLISHED.relative_to(ROOT)}/ and tools/vcm/budgets.json are as measured now")
