# SPDX-License-Identifier: GPL-2.0-only
"""Checks of the text itself: style, comments, licences, layers."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import packages
import selftest
from build import environment
from platforms import suite_groups
from source import walk
from tree import patches
from util import ROOT, Progress, run

# What checkpatch asks for and we do not do:
IGNORED = ",".join([
    # who sends the series signs it
    "FILE_PATH_CHANGES", "MISSING_SIGN_OFF", "NO_AUTHOR_SIGN_OFF",
    # an iteration macro names its variable more than once
    "MACRO_ARG_REUSE",
    # one sentence can be enough, and a file may say where it is going
    "CONFIG_DESCRIPTION", "EMBEDDED_FILENAME",
    # kunit_test_suite() right after its struct is the custom
    "LINE_SPACING",
    # report_iommu_fault() says with it that nobody is there
    "ENOSYS",
])

# Semantic patches that take sizes like SZ_1M + SZ_64K for sums of bit masks.
UNFIT_COCCI = ("misc/orplus.cocci",)

# Pattern of files -> what must not be in them, and why.
LAYERS = [
    (r"mm/.*\.[ch]$", r"linux/iommu\.h", "the core knows no IOMMU subsystem"),
    (r"drivers/iommu/vcm/.*\.[ch]$", r"vcm_internal\.h",
     "low-level drivers use the public interface"),
    (r"lib/", r"(?i)vcm(?!_kunit)", "lib/ knows nothing of VCMM"),
]


def tool(tree, *argv):
    """The lines that a tool of the kernel has to say."""
    status, lines = run(argv, cwd=tree.path, env=environment())
    lines = [line for line in lines if line.strip()]
    return lines or ([f"{argv[0]} failed"] if status else [])


def checkpatch(tree):
    script = ["perl", "scripts/checkpatch.pl", "--strict", "--terse", "--show-types",
              "--no-summary", "--ignore", IGNORED]
    files = tree.own_files(".c", ".h", ".rst", "Makefile", "Kconfig.vcm")
    found = tool(tree, *script, "-f", *files)
    found += tool(tree, *script, "-f", str(ROOT / "tools" / "vcm" / "init" / "init.c"))
    return found + tool(tree, *script, *map(str, patches(tree.source.version)))


def kernel_doc(tree):
    return tool(tree, "perl", "scripts/kernel-doc", "-none", "-Wall",
                *tree.own_files(".c", ".h"))


def coccinelle(tree):
    """Every semantic patch of the kernel, on our files only."""
    # Its scripts in Python want a library by the name that the -dev package gives.
    packages.ensure(["coccinelle", "libpython3-dev"])
    files = tree.own_files(".c")

    def one(script):
        text = (tree.path / script).read_text(encoding="utf-8")
        if (not re.search(r"^virtual.*\breport\b", text, re.M)
                or "script:ocaml" in text or script.endswith(UNFIT_COCCI)):
            return []
        options = re.search(r"^// Options: (.*)$", text, re.M)
        status, lines = run(["spatch", "--very-quiet", "-D", "report",
                             "--cocci-file", script, "--timeout", "100",
                             *(options[1].split() if options else []), *files],
                            cwd=tree.path, env=environment())
        found = [line for line in lines if re.match(r"\S+\.[ch]:\d+", line)]
        return found or ([f"{script} failed: {lines[-1:]}"] if status else [])

    scripts = [f"scripts/coccinelle/{path}"
               for path in sorted(walk(tree.path / "scripts" / "coccinelle"))
               if path.endswith(".cocci")]
    progress, lines = Progress("coccinelle"), []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for found in pool.map(one, scripts):
            lines += found
            progress.tick()
    return lines


def project_texts():
    """(path, text) of every file of the project that is not made by a build"""
    tops = [top for top in sorted(ROOT.iterdir()) if top.name not in ("build", ".git")]
    paths = [top.name for top in tops if top.is_file()]
    paths += [f"{top.name}/{path}" for top in tops if top.is_dir() for path in walk(top)]
    for path in sorted(paths):
        if path.endswith((".pyc", "~")):
            continue
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def licences(_tree):
    """An SPDX line on every file, except licences and patches, which carry others'."""
    return [f"{path}: no SPDX-License-Identifier in the first lines"
            for path, text in project_texts()
            if not path.startswith(("COPYING", "LICENSES/")) and text
            and not path.endswith((".patch", ".json"))
            and "SPDX-License-Identifier:" not in "\n".join(text.splitlines()[:3])]


def layers(_tree):
    return [f"{path}:{text[:match.start()].count(chr(10)) + 1}: {match[0]}: {why}"
            for path, text in project_texts()
            for files, forbidden, why in LAYERS if re.match(files, path)
            for match in re.finditer(forbidden, text)]


def suites_are_listed(_tree):
    """A suite that nobody demands could get lost unseen."""
    listed = {suite for group in suite_groups().values() for suite in group}
    return [f"{path}: suite {name} is not in tools/vcm/suites.toml"
            for path, text in project_texts() if path.endswith("_kunit.c")
            and not path.startswith("tools/")
            for name in re.findall(r'kunit_suite \w+ = \{\s*\.name = "(\w+)"', text)
            if name not in listed]


def errors_in_table():
    """function -> errnos that errors.rst has rows for; "others" allows any"""
    rows, names, fresh = {}, [], False
    text = (ROOT / "Documentation" / "mm" / "vcm" / "errors.rst").read_text(encoding="utf-8")
    for line in text.splitlines():
        named = re.match(r":c:func:`(\w+)`", line)
        if named and not fresh:
            names = []
        if named:
            names.append(named[1])
        fresh = bool(named) and line.split()[0].endswith(",")
        found = re.match(r"\S*\s+(?:``(-E\w+)``|(others)\b)", line)
        for name in names if found else []:
            rows.setdefault(name, set()).add(found[1] or found[2])
    return rows


def errors_are_listed(_tree):
    """Every errno that a function's comment names has its row in errors.rst."""
    rows, lines = errors_in_table(), []
    for path, text in project_texts():
        if not re.match(r"(?!.*/vcm_soft)(mm|drivers/iommu/vcm)/vcm\w*\.c$", path):
            continue
        for name, ret in re.findall(r"/\*\*\n \* (\w+)\(\) - (?:(?!\*/).)*?"
                                    r"\* Return:(.*?)\*/", text, re.S):
            if f"EXPORT_SYMBOL_GPL({name})" not in text or "others" in rows.get(name, ()):
                continue
            lines += [f"{path}: {name}() returns {errno}, errors.rst does not say so"
                      for errno in sorted(set(re.findall(r"-E[A-Z_]{2,}", ret)))
                      if errno not in rows.get(name, ())]
    return lines


# What a low-level driver hands to the core is its own, and taken on trust.
TRUSTED = {"vcm_iommu_unregister", "vcm_iommu_init", "vcm_iommu_get", "vcm_iommu_put",
           "vcm_iommu_remove", "vcm_table_flush", "vcm_keep_out", "vcm_is_moving"}


def public_functions(_tree):
    """Each has its place in the documents, and its wrong arguments in a test."""
    text = dict(project_texts())
    api = text["Documentation/mm/vcm/api.rst"]
    exporting = set(re.findall(r"kernel-doc:: (\S+)\n +:export:", api))
    found = []
    for header in ("vcm", "vcm-driver", "vcm-machine", "vcm-memtype"):
        declared = set(re.findall(r"^\w[^#=;{}]*?\b((?:devm_)?vcm_\w+)\([^;{}]*\);",
                                  text[f"include/linux/{header}.h"], re.M))
        for path, source in text.items():
            for name in re.findall(r"EXPORT_SYMBOL_GPL\((\w+)\)", source):
                if name not in declared or not path.endswith(".c"):
                    continue
                word = re.compile(rf"\b{name}\b")
                if path not in exporting and not word.search(api):
                    found.append(f"{path}: {name}() is not in api.rst")
                if not word.search(text["Documentation/mm/vcm/errors.rst"]):
                    found.append(f"{path}: {name}() is not in errors.rst")
                if name not in TRUSTED and not re.search(
                        rf"\b{name}\(", text["mm/tests/vcm_args_kunit.c"]):
                    found.append(f"{path}: {name}() is not in vcm_args_kunit.c")
    return found


def tools(_tree):
    return selftest.failures()


CHECKS = {"tools": tools, "suites-are-listed": suites_are_listed,
          "errors-are-listed": errors_are_listed,
          "checkpatch": checkpatch, "kernel-doc": kernel_doc, "coccinelle": coccinelle,
          "licences": licences, "layers": layers, "public-functions": public_functions}
