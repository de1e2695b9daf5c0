# SPDX-License-Identifier: GPL-2.0-only
"""make docs: what Sphinx makes of Documentation/mm/vcm/."""

import packages
from build import environment
from util import BUILD, LOGS, VcmError, run, say

FOLDER = "mm/vcm"
# Sphinx asks for a theme that is not ours to demand.
NOT_OURS = ("theme", "latex", "sphinx-pre-install")


def build(tree):
    """Build; the lines that name a file of ours or a warning of Sphinx."""
    packages.ensure([*packages.BUILD, "python3-sphinx", "python3-yaml", "graphviz"])
    out = tree.out / "docs"
    out.mkdir(parents=True, exist_ok=True)
    # Debian's Python, for it is the one that Debian's packages are for.
    status, lines = run(["make", "-C", tree.path, f"O={out}", f"SPHINXDIRS={FOLDER}",
                         "PYTHON3=/usr/bin/python3",
                         f"BUILDDIR={BUILD / 'docs'}", "SPHINXOPTS=-q -E", "htmldocs"],
                        title="documentation", log=LOGS / "docs.log", env=environment())
    bad = [line.replace(f"{tree.path}/", "") for line in lines
           if ("WARNING" in line or "ERROR" in line or "warning:" in line)
           and not any(word in line for word in NOT_OURS)]
    if status and not bad:
        bad = lines[-3:]
    return bad


def docs(tree):
    bad = build(tree)
    for line in bad:
        say(f"  {line}")
    if bad:
        raise VcmError(f"the documentation has {len(bad)} warnings")
    say(f"{BUILD / 'docs' / FOLDER / 'index.html'}")
    return 0
