# SPDX-License-Identifier: GPL-2.0-only
"""Do the tools see what they must? Each thing that can go wrong, once."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import ktap
import platforms
import qemu
import source
import suites
import tree
from util import VcmError

GOOD = """\
KTAP version 1
1..2
    KTAP version 1
    # Subtest: one
    1..3
    ok 1 plain
        KTAP version 1
        # Subtest: many
        ok 1 case a
        ok 2 case b
    # many: pass:2 fail:0 skip:0 total:2
    ok 2 many
    ok 3 later # SKIP no hardware
ok 1 one
    KTAP version 1
    # Subtest: two
    1..1
    # bad: EXPECTATION FAILED at mm/x.c:1
    not ok 1 bad
not ok 2 two
""".splitlines()


class Ktap(unittest.TestCase):
    def statuses(self, lines):
        return [(test.suite, test.name, test.status) for test in ktap.parse(lines).tests]

    def test_leaves_are_counted_once(self):
        self.assertEqual(self.statuses(GOOD), [
            ("one", "plain", "passed"), ("one", "many.case a", "passed"),
            ("one", "many.case b", "passed"), ("one", "later", "skipped"),
            ("two", "bad", "failed")])
        self.assertEqual(ktap.parse(GOOD).problems, [])

    def test_a_failure_brings_its_log(self):
        self.assertIn("EXPECTATION FAILED", ktap.parse(GOOD).tests[-1].log[0])

    def test_every_cut_is_seen(self):
        """Whatever line the output ends at, somebody notices."""
        for length in range(len(GOOD)):
            self.assertTrue(ktap.parse(GOOD[:length]).problems, f"cut at {length}")

    def test_a_lost_result_is_seen(self):
        lines = [line for line in GOOD if "ok 1 plain" not in line]
        self.assertIn("2 results of 3", " ".join(ktap.parse(lines).problems))

    def test_a_suite_that_fails_by_itself(self):
        lines = GOOD[:-2] + ["    ok 1 bad", "not ok 2 two"]
        self.assertIn(("two", "(suite)", "failed"), self.statuses(lines))

    def test_kernel_noise_between_results(self):
        noisy = [line for pair in zip(GOOD, ["ordinary message"] * 99) for line in pair]
        self.assertEqual(self.statuses(noisy), self.statuses(GOOD))

    def test_complaints(self):
        log = ["fine", "WARNING: CPU: 0 PID: 1 at mm/vcm.c:1", "BUG: KASAN: slab-out",
               "WARNING: harmless one", "# many: WARNING: is only a comment"]
        self.assertEqual(len(ktap.complaints(log, ["harmless"])), 2)


class Sync(unittest.TestCase):
    """The kernel copy follows its source and our files, and nothing else moves."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top, self.copy = Path(scratch.name, "kernel"), Path(scratch.name, "copy")
        self.top.mkdir()
        for name in ("a.c", "b.c", "a.o", ".a.o.cmd"):
            (self.top / name).write_text(name, encoding="utf-8")
        self.source = source.Source(self.top, "name", "0.0", False)
        self.base, self.laid = {}, {}

    def sync(self, **overlay):
        overlay = {f"{name}.c": data for name, data in overlay.items()}
        self.base = tree.sync_source(self.source, self.copy, self.base, overlay)
        tree.sync_overlay(self.source, self.copy, self.base, self.laid, overlay)
        self.laid = overlay
        return {path.name: path.read_text(encoding="utf-8")
                for path in self.copy.iterdir()}

    def test_objects_stay_out(self):
        self.assertEqual(self.sync(), {"a.c": "a.c", "b.c": "b.c"})

    def test_ours_come_and_go(self):
        self.assertEqual(self.sync(a=b"x", n=b"new"),
                         {"a.c": "x", "b.c": "b.c", "n.c": "new"})
        self.assertEqual(self.sync(), {"a.c": "a.c", "b.c": "b.c"})

    def test_the_source_goes_on(self):
        self.sync()
        (self.top / "a.c").write_text("longer text", encoding="utf-8")
        (self.top / "b.c").unlink()
        self.assertEqual(self.sync(), {"a.c": "longer text"})

    def test_equal_files_keep_their_time(self):
        self.sync(a=b"x")
        before = (self.copy / "a.c").stat().st_mtime_ns
        self.sync(a=b"x", n=b"new")
        self.assertEqual((self.copy / "a.c").stat().st_mtime_ns, before)

    def test_the_source_is_never_written(self):
        self.source.ours = True         # linked, not copied
        self.sync(a=b"x")
        self.assertEqual((self.top / "a.c").read_text(encoding="utf-8"), "a.c")


class Platforms(unittest.TestCase):
    def test_every_file_can_be_read(self):
        for name in platforms.names():
            self.assertTrue(platforms.get(name).suites, name)

    def test_units_that_are_alike(self):
        words = platforms.smmuv3_words([{"slots": ["edu", "nvme"]},
                                        {"count": 15, "options": "stage=2",
                                         "slots": [["edu", "edu"]]}])
        text = " ".join(words)
        self.assertEqual(text.count("arm-smmuv3,"), 16)
        self.assertEqual(text.count("stage=2"), 15)
        self.assertIn("pxb-pcie,id=pcie.16,bus_nr=128,", text)
        self.assertIn("nvme,bus=port.1.1,addr=0.0", words)
        self.assertIn("bus=port.2.0,addr=0.1,multifunction=on", text)
        # Two root ports of one number would keep QEMU from starting.
        ports = [word.split(",", 4)[-1] for word in words if "root-port" in word]
        self.assertEqual(len(ports), len(set(ports)))

    def test_what_a_platform_skips(self):
        platform = platforms.Platform("name", "", None, "", suites=["one", "two"],
                                      skip=["core_a", "core_b"])
        self.assertEqual(suites.filters(platform, None),
                         "kunit.filter=module!=core_a_kunit,module!=core_b_kunit")
        self.assertIsNone(suites.filters(platform, "core_*"))
        self.assertIn("kunit.filter_glob=t*.x ", suites.filters(platform, "t*.x"))
        self.assertIn("filter_glob=other", suites.filters(platform, "other"))


class Qemu(unittest.TestCase):
    """Which QEMU is taken; the programs are scripts that tell a version."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top = Path(scratch.name)
        self.addCleanup(qemu.find.cache_clear)

    def program(self, name, version):
        path = self.top / name
        path.write_text(f"#!/bin/sh\necho QEMU emulator version {version}.1\n",
                        encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def find(self, least, override=""):
        qemu.find.cache_clear()
        debian = qemu.Qemu([self.program("debian", "11.1")], [])
        with mock.patch.dict(os.environ, {qemu.OVERRIDE: override, "PATH":
                                          f"{self.top}:{os.environ['PATH']}"}), \
                mock.patch("qemu.from_debian", lambda: debian):
            return qemu.find(least)

    def test_versions_are_numbers(self):
        words = [self.program("q", "9.9")]
        self.assertTrue(qemu.is_enough(words, "9.9"))
        self.assertFalse(qemu.is_enough(words, "10.2"))
        self.assertFalse(qemu.is_enough([str(self.top / "none")], "1.0"))

    def test_the_system_comes_before_debian(self):
        program = self.program(qemu.PROGRAM, "10.2")
        self.assertEqual(self.find("10.2").words, [program])
        self.assertEqual(self.find("10.3").words, [str(self.top / "debian")])
        with self.assertRaisesRegex(VcmError, "Debian's QEMU is 11.1, and 11.2 is"):
            self.find("11.2")

    def test_the_users_own_comes_first(self):
        self.program(qemu.PROGRAM, "12.0")
        mine = self.program("mine", "11.0")
        self.assertEqual(self.find("10.2", mine).words, [mine])
        with self.assertRaisesRegex(VcmError, "is QEMU 11.0, and 11.1 is needed"):
            self.find("11.1", mine)
        with self.assertRaisesRegex(VcmError, "not a QEMU that runs"):
            self.find("10.2", "/nowhere")

    def test_a_newer_one_takes_the_place_of_an_older(self):
        def version(number):
            target = self.top / f"{qemu.PROGRAM}-{number}"
            apt = mock.Mock(folder=self.top / "apt")
            apt.files.return_value = {qemu.PACKAGES[0]: (f"1:{number}", "a.deb")}
            (apt.folder / "cache").mkdir(parents=True)
            with mock.patch("qemu.Apt", return_value=apt), \
                    mock.patch("qemu.unpack", lambda _, target: target.mkdir()):
                self.assertEqual(qemu.fetch(self.top), target)
            return [path.name for path in qemu.found_in(self.top)]

        self.assertEqual(version("11.1"), [f"{qemu.PROGRAM}-11.1"])
        self.assertEqual(version("11.2"), [f"{qemu.PROGRAM}-11.2"])

    def test_without_a_network_the_cache_will_do(self):
        def fail(_cache):
            raise VcmError("no network")

        old = self.top / f"{qemu.PROGRAM}-11.1"
        with mock.patch("qemu.cache_dir", lambda: self.top), \
                mock.patch("qemu.fetch", fail), mock.patch("qemu.say") as say:
            with self.assertRaisesRegex(VcmError, "no network"):
                qemu.from_debian()
            old.mkdir()
            qemu.from_debian()          # looked for just now
            say.assert_not_called()
            os.utime(old, (0, 0))
            self.assertIn(old / "usr/bin" / qemu.PROGRAM, qemu.from_debian().words)
            self.assertIn("no network", say.call_args[0][0])


def failures():
    """The tests that fail, as lines."""
    suite = unittest.defaultTestLoader.loadTestsFromName(__name__)
    result = unittest.TestResult()
    suite.run(result)
    return [f"{test}: {text.strip().splitlines()[-1]}"
            for test, text in result.failures + result.errors]
