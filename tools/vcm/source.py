# SPDX-License-Identifier: GPL-2.0-only
"""Where the kernel comes from: Debian's package, or a tree of the user's."""

import fnmatch
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import packages
from util import BUILD, ROOT, VcmError, need_space, output_of, run

PACKAGE = "linux-source-6.12"

# What a build leaves in a source tree; a file with a .name.cmd beside it
# was made by the build as well.
BUILT = ["*.o", "*.a", "*.ko", "*.mod", "*.mod.c", "*.order", "*.cmd", "*.d",
         ".config*", ".version", ".tmp_*", ".git", "vmlinux", "vmlinux.*symvers",
         "Module.symvers", "System.map", "*.dtb", "*.dtbo", "utsversion-tmp.h"]
BUILT_DIRS = re.compile(r"include/(config|generated)$|arch/[^/]+/include/generated$|\.git$")


@dataclass
class Source:
    path: Path
    name: str           # tells its copy from those of other sources
    version: str        # "6.12"
    ours: bool          # unpacked by us: never changes, may be linked to

    def files(self):
        if self.ours:
            return walk(self.path)
        if (self.path / ".git").exists():
            return git_files(self.path)
        return walk(self.path, skip_built=True)


def walk(top, skip_built=False):
    """Relative path of each file and symbolic link below @top."""
    built = re.compile("|".join(map(fnmatch.translate, BUILT)))
    for folder, dirs, names in os.walk(top):
        relative = os.path.relpath(folder, top)
        prefix = "" if relative == "." else relative + "/"
        for name in list(dirs):
            if os.path.islink(os.path.join(folder, name)):
                names.append(name)
            elif skip_built and BUILT_DIRS.match(prefix + name):
                dirs.remove(name)
        everything = set(names)
        for name in names:
            if skip_built and (built.match(name) or f".{name}.cmd" in everything):
                continue
            yield prefix + name


def git_files(top):
    """Tracked files, and new ones that are not ignored; the index is left alone."""
    packages.ensure(["git"])
    listed = output_of(["git", "-c", "safe.directory=*", "-C", top, "ls-files", "-z",
                        "--cached", "--others", "--exclude-standard"],
                       env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"})
    if listed is None:
        raise VcmError(f"git cannot list the files of {top}")
    names = dict.fromkeys(listed.split("\0"))
    # Debian's source package has a .gitignore that hides everything.
    if "Makefile" not in names:
        raise VcmError(f"git ignores the Makefile of {top}: only what it knows is copied")
    return [name for name in names if name
            and os.path.lexists(top / name) and not os.path.isdir(top / name)]


def version_of(tree):
    try:
        head = (tree / "Makefile").read_text(encoding="utf-8")[:400]
        number = dict(re.findall(r"^(VERSION|PATCHLEVEL) = (\d+)$", head, re.M))
        return f"{number['VERSION']}.{number['PATCHLEVEL']}"
    except (OSError, KeyError):
        raise VcmError(f"{tree} is not a Linux source tree") from None


def checked(source):
    known = sorted(path.name for path in (ROOT / "patches").iterdir())
    if source.version not in known:
        raise VcmError(f"{source.path} is Linux {source.version}; "
                       f"this tree knows: {', '.join(known)}")
    return source


def from_user(kdir):
    path = Path(kdir).expanduser().resolve()
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    name = re.sub(r"[^\w.-]", "-", path.name)
    return checked(Source(path, f"{name}-{mark}", version_of(path), False))


def cache_dir():
    """Downloads survive 'make clean', where there is a home to keep them."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(base) / "vcm"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        path = BUILD / "download"
        path.mkdir(parents=True, exist_ok=True)
    return path if os.access(path, os.W_OK) else BUILD / "download"


def package_file_name():
    """The file that apt would download: its name has the version in it."""
    uris = output_of(["apt-get", "download", "--print-uris", PACKAGE]) or ""
    match = re.search(r"' (\S+\.deb) ", uris)
    return match and match[1]


def fetch_package():
    if not shutil.which("apt-get"):
        raise VcmError("without apt-get, give a kernel tree: KDIR=path")
    cache = cache_dir()
    name = package_file_name()
    if not name:
        packages.update()
        name = package_file_name()
    if not name:
        raise VcmError(f"apt knows no package {PACKAGE}; give a kernel tree: KDIR=path")
    if not (cache / name).exists():
        part = cache / "part"
        part.mkdir(exist_ok=True)
        # As root, apt would download as another user, who may not write here.
        status, lines = run(["apt-get", "-o", "APT::Sandbox::User=root",
                             "-o", "Acquire::Retries=3", "download", PACKAGE],
                            title=f"downloading {PACKAGE}", cwd=part)
        if status or not (part / name).exists():
            why = [line for line in lines if line.startswith("E:")]
            raise VcmError(f"cannot download {PACKAGE}: {' '.join(why[-1:])}")
        (part / name).rename(cache / name)
    return cache / name


def from_debian():
    deb = fetch_package()
    name = re.sub(r"[^\w.-]", "-", deb.stem)
    path = BUILD / "source" / name
    if not path.exists():
        need_space(BUILD, 4)
        scratch = BUILD / "source" / "unpack"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        script = 'dpkg-deb -x "$0" . && tar -xf usr/src/linux-source-*.tar.xz'
        status, _ = run(["sh", "-c", script, deb], cwd=scratch,
                        title="unpacking the kernel")
        if status:
            deb.unlink()
            raise VcmError(f"cannot unpack {deb.name}; it was removed, try again")
        next(scratch.glob("linux-source-*/")).rename(path)
        shutil.rmtree(scratch)
    return checked(Source(path, name, version_of(path), True))


def find(kdir):
    return from_user(kdir) if kdir else from_debian()
