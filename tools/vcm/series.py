# SPDX-License-Identifier: GPL-2.0-only
"""make series: everything as patches that 'git am' and 'patch -p1' take.

Each patch to the kernel's files takes along the new files that it builds,
so that the series compiles at every step.
"""

import difflib
import os
import re
import shutil
import tempfile
from pathlib import Path

from tree import apply, make_overlay, patched_paths, patches, project_files
from util import BUILD, ROOT, output_of, say


def new_file(path, text):
    diff = difflib.unified_diff([], text.splitlines(keepends=True),
                                "/dev/null", f"b/{path}")
    return f"diff --git a/{path} b/{path}\nnew file mode 100644\n" + "".join(diff)


# Who changes one of these has new files for it.
BUILDS = ("Makefile", "Kconfig", "index.rst")


def takes(patch, files):
    """The new files below the folders that @patch builds, and the headers they include."""
    folders = tuple(os.path.dirname(path) + "/" for path in patched_paths(patch)
                    if os.path.basename(path) in BUILDS)
    taken = [path for path in files if path.startswith(folders)]
    ours = re.compile(r"#include <((?:linux|trace/events)/[\w/-]+\.h)>")
    included = {f"include/{name}" for path in taken for name in ours.findall(files[path])}
    return sorted({*taken, *(included & files.keys())})


def maintainers(tree):
    """Our entry, at its place in the alphabet, as a patch."""
    old = (tree.source.path / "MAINTAINERS").read_text(encoding="utf-8")
    entry = (ROOT / "MAINTAINERS").read_text(encoding="utf-8")
    entry = re.sub(r"^#.*\n", "", entry, flags=re.M).strip() + "\n\n"
    head, *entries = re.split(r"(?<=\n\n)(?=[A-Z0-9].*\n[A-Z]:\t)", old)
    place = next((index for index, text in enumerate(entries) if text > entry),
                 len(entries))
    entries.insert(place, entry)
    new = head + "".join(entries)
    diff = difflib.unified_diff(old.splitlines(keepends=True),
                                new.splitlines(keepends=True),
                                "a/MAINTAINERS", "b/MAINTAINERS")
    return "diff --git a/MAINTAINERS b/MAINTAINERS\n" + "".join(diff)


def sender():
    """Who runs this, as git knows them: 'git am' wants an author."""
    ident = output_of(["git", "var", "GIT_AUTHOR_IDENT"]) or ""
    match = re.match(r".+ <\S+>", ident)
    return f"From: {match[0]}\n" if match else ""


def mails(tree):
    """(head, diff) of each patch"""
    left = {path: here.read_text(encoding="utf-8")
            for path, here in sorted(project_files().items())}
    for patch in patches(tree.source.version):
        head, diff = patch.read_text(encoding="utf-8").split("\n---\n", 1)
        added = "".join(new_file(path, left.pop(path)) for path in takes(patch, left))
        yield head, diff.rsplit("-- \n", 1)[0] + added
    yield ("Subject: [PATCH] MAINTAINERS: add VCMM\n\nWhom to write to.",
           maintainers(tree) + "".join(new_file(*item) for item in left.items()))


def write(tree):
    """The folder of the series, and how many patches it has."""
    folder = BUILD / "series"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    number = 0
    for number, (head, diff) in enumerate(mails(tree), 1):
        subject = re.match(r"Subject: \[PATCH\] (.*)", head)[1]
        name = re.sub(r"[^A-Za-z0-9]+", "-", subject).strip("-")
        (folder / f"{number:04}-{name}.patch").write_text(
            f"{sender()}{head}\n---\n{diff}-- \n\n", encoding="utf-8")
    return folder, number


def differences(tree):
    """Does the series, applied to the kernel, give what we test? What does not."""
    folder, _ = write(tree)
    with tempfile.TemporaryDirectory() as scratch:
        result = apply(tree.source, sorted(folder.glob("*.patch")), Path(scratch))
    wanted = make_overlay(tree.source, None)
    return [f"the series gives another {path}" for path in sorted({*wanted, *result})
            if path != "MAINTAINERS" and wanted.get(path) != result.get(path)]


def series(tree):
    folder, number = write(tree)
    say(f"{number} patches in {folder}")
    return 0
