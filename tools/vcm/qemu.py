# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU that is new enough: the user's, the system's, or Debian's newest.

The last one comes from Debian's backports, with the libraries that it needs,
into the cache. It is unpacked there, never installed: apt works on a state of
its own, and the program starts by the dynamic linker that came along.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import shutil
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import packages
from source import cache_dir
from util import VcmError, need_space, output_of, run, say

PROGRAM = "qemu-system-aarch64"
OVERRIDE = "QEMU_AARCH64"
SUITES = ["trixie", "trixie-backports"]
PACKAGES = ["qemu-system-arm", "qemu-efi-aarch64"]
KEYRING = "debian-archive-keyring"
LOOK_AGAIN = 7 * 24 * 3600      # seconds after which there may be a newer one

# UEFI, and the memory of its variables: Debian's, and QEMU's own.
FIRMWARE = [("AAVMF/AAVMF_CODE.no-secboot.fd", "AAVMF/AAVMF_VARS.fd"),
            ("AAVMF/AAVMF_CODE.fd", "AAVMF/AAVMF_VARS.fd"),
            ("qemu/edk2-aarch64-code.fd", "qemu/edk2-arm-vars.fd")]

APT_CONFIG = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Cache "{folder}/cache";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "{folder}/keys";
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
"""


@dataclass
class Qemu:
    words: list         # how it is started
    share: list         # where its firmware may be


def numbers(version):
    return tuple(int(number) for number in version.split("."))


def version_of(words):
    found = re.search(r"version (\d+\.\d+)", output_of([*words, "--version"]) or "")
    return found and found[1]


def is_enough(words, least):
    version = version_of(words)
    return bool(version) and numbers(version) >= numbers(least)


def mirror():
    """Where this system gets Debian from; its other repositories are no concern."""
    listed = output_of(["apt-get", "indextargets", "--format",
                        "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"]) or ""
    found = [line.split("|", 2)[2] for line in listed.splitlines()
             if line.startswith("Debian|Debian|")]
    return found[0] if found else None


def must(result, what):
    status, lines = result
    if status:
        why = [line for line in lines if line.startswith(("E:", "dpkg"))] or lines
        raise VcmError(f"cannot get QEMU: {what} failed: {' '.join(why[-1:])}; "
                       f"where there is one, say {OVERRIDE}=path")
    return lines


def fetch_keys(folder):
    """The newest keys of Debian that this system vouches for."""
    scratch = folder / "keyring"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    run(["apt-get", "-o", "APT::Sandbox::User=root", "download", KEYRING], cwd=scratch)
    run(["sh", "-c", "dpkg-deb -x *.deb ."], cwd=scratch)
    (folder / "keys").mkdir(exist_ok=True)
    # Without a network those that are installed, which may be too old.
    for top in (scratch / "usr", Path("/usr")):
        key = top / "share/keyrings" / f"{KEYRING}.gpg"
        if key.exists():
            shutil.copyfile(key, folder / "keys" / key.name)
            break
    shutil.rmtree(scratch)


class Apt:
    """apt with a state of its own, in which nothing is installed."""

    def __init__(self, folder):
        where = mirror()
        if not where:
            packages.update()
            where = mirror()
        if not where:
            raise VcmError("cannot get QEMU: apt knows no mirror of Debian; "
                           f"where there is one, say {OVERRIDE}=path")
        self.folder = folder
        arch = (output_of(["dpkg", "--print-architecture"]) or "").strip()
        for name in ("cache/archives/partial", "state/lists/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "state/status").write_text("", encoding="utf-8")
        (folder / "apt.conf").write_text(APT_CONFIG.format(arch=arch, folder=folder),
                                         encoding="utf-8")
        (folder / "sources.list").write_text("".join(
            f"deb [arch={arch} target=Packages] {where} {suite} main\n"
            for suite in SUITES), encoding="utf-8")
        fetch_keys(folder)

    def get(self, *args, title=None, count=None):
        words = ["apt-get", "-c", self.folder / "apt.conf", "-y", *args]
        return must(run(words, title=title, count=count), f"apt-get {args[0]}")

    def install(self, *args, **kwargs):
        return self.get("install", "-t", SUITES[-1], *args, *PACKAGES, **kwargs)

    def files(self):
        """package -> (version, file): what installing would take"""
        found = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)",
                           "\n".join(self.install("-s")), re.M)
        return {name: (version, self.folder / "cache/archives" /
                       f"{name}_{version.replace(':', '%3a')}_{arch}.deb")
                for name, version, arch in found}


def prune(root):
    """Leave out what this one program does not need: half of it."""
    keep = {root / "usr/bin" / PROGRAM, root / "usr/share/qemu"}
    keep.update(root / "usr/share" / path for path in FIRMWARE[0])
    for path in [*root.glob("usr/bin/*"), *root.glob("usr/share/*"),
                 *root.glob("usr/share/AAVMF/*")]:
        if path in keep or path.name == "AAVMF":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def unpack(debs, target):
    """All or nothing: @target is there, or it is not."""
    scratch = target.parent / "qemu-unpack"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    script = 'for deb; do dpkg-deb -x "$deb" . || exit 1; done'
    result = run(["sh", "-c", script, "sh", *debs], cwd=scratch, title="unpacking QEMU")
    if result[0]:
        shutil.rmtree(debs[0].parent)       # the next run gets them anew
    must(result, "unpacking")
    prune(scratch)
    if not version_of(unpacked(scratch).words):
        raise VcmError(f"cannot get QEMU: what was unpacked in {scratch} does not run; "
                       f"where there is one, say {OVERRIDE}=path")
    scratch.rename(target)


def unpacked(root):
    """Its own dynamic linker finds its own libraries; the system's are older."""
    def only(pattern):
        return next(iter(sorted(root.glob(pattern))), root / pattern)

    libraries = only("usr/lib/*-linux-gnu*")
    return Qemu([only("usr/lib*/ld-linux*.so.*"), "--library-path",
                 f"{libraries}:{libraries}/pulseaudio", root / "usr/bin" / PROGRAM,
                 "-L", root / "usr/share/qemu"], [root / "usr/share"])


def fetch(cache):
    need_space(cache, 1)
    apt = Apt(cache / "qemu-apt")
    apt.get("update", title="package lists of QEMU")
    files = apt.files()
    version = re.sub(r"^\d+:", "", files[PACKAGES[0]][0])
    target = cache / f"{PROGRAM}-{version}"
    if not target.exists():
        apt.install("--download-only", title=f"downloading QEMU {version}", count="Get:")
        unpack([file for _, file in files.values()], target)
    for old in found_in(cache):
        if old != target:
            shutil.rmtree(old)
    # Of no more use; what an interrupted run left is.
    shutil.rmtree(apt.folder / "cache")
    target.touch()
    return target


def found_in(cache):
    """What is unpacked there: the newest one last."""
    return sorted(cache.glob(f"{PROGRAM}-*"), key=lambda path: path.stat().st_mtime)


@contextlib.contextmanager
def locked(path):
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def from_debian():
    cache = cache_dir()
    if not shutil.which("apt-get"):
        raise VcmError(f"without apt-get, give a QEMU: {OVERRIDE}=path")
    with locked(cache / "qemu.lock"):
        have = found_in(cache)
        if have and time.time() - have[-1].stat().st_mtime < LOOK_AGAIN:
            return unpacked(have[-1])
        try:
            return unpacked(fetch(cache))
        except VcmError as error:
            if not have:
                raise
            say(f"  {error}; {have[-1].name} of the cache will do")
            return unpacked(have[-1])


def beside(program):
    """The folder share/ that goes with bin/, and the system's."""
    return [Path(program).resolve().parents[1] / "share", Path("/usr/share")]


@lru_cache
def find(least):
    """A QEMU of version @least or newer."""
    mine = os.environ.get(OVERRIDE)
    if mine:
        program = shutil.which(mine)
        if not program or not version_of([program]):
            raise VcmError(f"{OVERRIDE}={mine} is not a QEMU that runs")
        if not is_enough([program], least):
            raise VcmError(f"{OVERRIDE}={mine} is QEMU {version_of([program])}, "
                           f"and {least} is needed")
        return Qemu([program], beside(program))
    system = shutil.which(PROGRAM)
    if system and is_enough([system], least):
        return Qemu([system], beside(system))
    debian = from_debian()
    if not is_enough(debian.words, least):
        raise VcmError(f"Debian's QEMU is {version_of(debian.words)}, and {least} is "
                       f"needed; where there is one, say {OVERRIDE}=path")
    return debian


def firmware(qemu):
    """UEFI for @qemu: (code, variables)"""
    for share in qemu.share:
        for pair in FIRMWARE:
            code, variables = (share / path for path in pair)
            if code.exists() and variables.exists():
                return code, variables
    return None


def without_io_uring():
    """What is started from here on has no io_uring; QEMU does without, as it used to.

    The main loop of QEMU 11.1.3 waits for its events by io_uring, and now and then one
    is lost: it sleeps on, although the event is there, and with it the guest, whose
    timers do not expire, until something else wakes it: in one boot of 70. Where there
    are no such filters, nothing changes.
    """
    class Step(ctypes.Structure):
        _fields_ = [("code", ctypes.c_uint16), ("if_true", ctypes.c_uint8),
                    ("if_false", ctypes.c_uint8), ("k", ctypes.c_uint32)]

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_uint16), ("steps", ctypes.POINTER(Step))]

    # seccomp(2): io_uring_setup(), which is 425 everywhere, is ENOSYS.
    steps = (Step * 4)(Step(0x20, 0, 0, 0), Step(0x15, 0, 1, 425),
                       Step(0x06, 0, 0, 0x00050000 | errno.ENOSYS),
                       Step(0x06, 0, 0, 0x7fff0000))
    libc = ctypes.CDLL(None)
    pr_set_seccomp, pr_set_no_new_privs = 22, 38
    libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0)
    libc.prctl(pr_set_seccomp, 2, ctypes.byref(Program(len(steps), steps)))


def words_of(platform):
    """How QEMU is started for @platform, with firmware where it wants it."""
    if platform.qemu[0] != PROGRAM or not (platform.qemu_least
                                           or os.environ.get(OVERRIDE)):
        if not shutil.which(platform.qemu[0]):
            raise VcmError(f"{platform.name}: {platform.qemu[0]} is not installed")
        return platform.qemu
    qemu = find(platform.qemu_least or "0.0")
    words = [*qemu.words, *platform.qemu[1:]]
    if not platform.firmware:
        return words
    files = firmware(qemu)
    if not files:
        packages.ensure(PACKAGES[1:])
        files = firmware(qemu)
    if not files:
        raise VcmError(f"{platform.name}: there is no UEFI for {PROGRAM}")
    # What it writes to its variables goes to a file of this boot alone.
    return [*words, "-drive", f"if=pflash,format=raw,readonly=on,file={files[0]}",
            "-drive", f"if=pflash,format=raw,snapshot=on,file={files[1]}"]
