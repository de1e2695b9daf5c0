# SPDX-License-Identifier: GPL-2.0-only
"""The kernel copy: a kernel, with the files of this project laid over it.

Only files whose content differs are written, so that make rebuilds what
changed and nothing else.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import packages
import source as sources
from util import BUILD, ROOT, Progress, VcmError, need_space

# Laid at the same path. All else at the top of this project is its own.
FOLDERS = ["Documentation", "drivers", "include", "lib", "mm", "samples",
           "tools/testing/selftests"]
MOVED = {"Kconfig": "mm/Kconfig.vcm"}
JUNK = re.compile(r".*~$|.*\.(orig|rej|swp|o|cmd|pyc)$|[.#].*#?$")
EXTRA = "drivers/vcm-extra"


@dataclass
class Tree:
    path: Path          # the copy
    source: sources.Source
    overlay: dict       # path in the kernel -> bytes: all that differs from the source

    @property
    def out(self):
        return BUILD / "out" / self.source.name

    def own_files(self, *suffixes):
        """The files of this project, without the kernel's that it patches."""
        return sorted(path for path in project_files() if path.endswith(suffixes))


def project_files():
    """path in the kernel -> path here"""
    files = {there: ROOT / here for here, there in MOVED.items() if (ROOT / here).exists()}
    for folder in FOLDERS:
        for path in sources.walk(ROOT / folder):
            if path.endswith(".kunitconfig") or not JUNK.match(os.path.basename(path)):
                files[f"{folder}/{path}"] = ROOT / folder / path
    return files


def patches(version):
    return sorted((ROOT / "patches" / version).glob("*.patch"))


def patched_paths(patch):
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(encoding="utf-8"), re.M)


def apply(source, series, scratch):
    """Patch @scratch/..., beginning with the files of the source as they are."""
    paths = {path for patch in series for path in patched_paths(patch)}
    for path in paths:
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source.path / path).exists():
            shutil.copyfile(source.path / path, target)
    for patch in series:
        done = subprocess.run(["patch", "-p1", "-s", "-f", "--no-backup-if-mismatch",
                               "-i", patch], cwd=scratch, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise VcmError(f"{patch.relative_to(ROOT)} does not apply to "
                           f"{source.path}: {done.stdout.splitlines()[0]}")
    return {path: (scratch / path).read_bytes() for path in paths}


def patched_files(source):
    """The kernel's own files, as the patches leave them."""
    with tempfile.TemporaryDirectory() as scratch:
        return apply(source, patches(source.version), Path(scratch))


def extra_files(extra, overlay, source):
    """The user's own directory, and the line that builds it."""
    top = Path(extra).expanduser().resolve()
    if not ((top / "Kbuild").exists() or (top / "Makefile").exists()):
        raise VcmError(f"EXTRA={extra}: no Kbuild file there")
    files = {f"{EXTRA}/{path}": (top / path).read_bytes()
             for path in sources.walk(top, skip_built=True)}
    for parent, line in (("drivers/Makefile", f"obj-y += {os.path.basename(EXTRA)}/\n"),
                         ("drivers/Kconfig", f'source "{EXTRA}/Kconfig"\n')):
        if parent.endswith("Kconfig") and not (top / "Kconfig").exists():
            continue
        text = overlay.get(parent) or (source.path / parent).read_bytes()
        files[parent] = text + b"\n" + line.encode()
    return files


def make_overlay(source, extra):
    overlay = patched_files(source)
    overlay.update({there: here.read_bytes() for there, here in project_files().items()})
    if extra:
        overlay.update(extra_files(extra, overlay, source))
    return overlay


def install(path, data, mode=0o644):
    """Replace, never write into: the old file may be a link to the pristine one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".vcm-new")
    scratch.write_bytes(data)
    scratch.chmod(mode)
    scratch.replace(path)


def take(source, path, target, link=False):
    """Copy one file of the source; a copy is as new as it is different."""
    original = source.path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if original.is_symlink():
        target.unlink(missing_ok=True)
        target.symlink_to(os.readlink(original))
    elif link:
        target.unlink(missing_ok=True)
        os.link(original, target)
    else:
        install(target, original.read_bytes(), original.stat().st_mode & 0o777 | 0o600)


def signature(path):
    stat = os.lstat(path)
    return [stat.st_size, stat.st_mtime_ns]


def sync_source(source, copy, known, overlay):
    """Bring the copy up to date with the source, where the source can change."""
    if source.ours and known:
        return known
    progress = Progress("copying the kernel")
    fresh = {}
    for path in source.files():
        fresh[path] = signature(source.path / path)
        if known.get(path) != fresh[path] and path not in overlay:
            take(source, path, copy / path, link=source.ours)
        progress.tick(f"{len(fresh)} files")
    for path in known.keys() - fresh.keys() - overlay.keys():
        (copy / path).unlink(missing_ok=True)
    if not known:
        progress.done(f"{len(fresh)} files")
    return fresh


def content(path):
    try:
        return path.read_bytes()
    except OSError:
        return None


def sync_overlay(source, copy, base, old, overlay):
    """Lay our files over the copy, and take away what we no longer have."""
    for path, data in overlay.items():
        if content(copy / path) != data:
            install(copy / path, data)
    for path in set(old) - overlay.keys():
        if path in base:
            take(source, path, copy / path)
        else:
            (copy / path).unlink(missing_ok=True)


def read_state(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"base": {}, "overlay": []}


def assemble(kdir=None, extra=None):
    """The kernel copy, up to date."""
    packages.ensure(packages.BUILD)
    source = sources.find(kdir)
    copy = BUILD / "tree" / source.name
    state_file = BUILD / "tree" / f"{source.name}.json"
    state = read_state(state_file)
    if not state["base"]:
        need_space(BUILD, 2 if source.ours else 4)
        shutil.rmtree(copy, ignore_errors=True)
        state["overlay"] = []
    overlay = make_overlay(source, extra)
    base = sync_source(source, copy, state["base"], overlay)
    sync_overlay(source, copy, base, state["overlay"], overlay)
    # Written last: whatever an interrupted run did is then done once more.
    install(state_file, json.dumps({"base": base, "overlay": list(overlay)}).encode())
    return Tree(copy, source, overlay)
