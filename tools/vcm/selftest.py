# SPDX-License-Identifier: GPL-2.0-only
"""Do the tools see what they must? Each thing that can go wrong, once."""

import errno
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import bench
import boot
import figures
import goals
import ktap
import platforms
import plot
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


PROGRAM = """\
1..1
ok 1 of the kernel
vcm-init: begin selftest prog
TAP version 13
1..3
ok 1 first
the kernel says something
# second: went wrong
not ok 2 second
ok 3 # SKIP third
# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0
vcm-init: failed selftest prog
vcm-init: begin kmemleak
""".splitlines()


class Programs(unittest.TestCase):
    def test_it_is_a_suite(self):
        kernel, found = ktap.programs(PROGRAM)
        self.assertEqual(kernel, [*PROGRAM[:2], PROGRAM[-1]])
        parsed = ktap.parse(found[0])
        self.assertEqual([(test.suite, test.name, test.status) for test in parsed.tests],
                         [("prog", "first", "passed"), ("prog", "second", "failed"),
                          ("prog", "third", "skipped")])
        self.assertEqual((parsed.suites, parsed.problems), ({"prog"}, []))
        self.assertIn("# second: went wrong", "".join(parsed.tests[1].log))

    def test_every_cut_is_seen(self):
        begin, end = 2, PROGRAM.index("vcm-init: failed selftest prog")
        for length in range(begin + 1, end + 1):
            self.assertTrue(ktap.parse(ktap.programs(PROGRAM[:length])[1][0]).problems)

    def test_one_that_ends_early(self):
        """It was killed: what it said before is not the whole story."""
        lines = [*PROGRAM[:6], "vcm-init: failed selftest prog"]
        self.assertIn("1 results of 3", "".join(ktap.parse(ktap.programs(lines)[1][0])
                                                .problems))

    def test_one_that_says_nothing(self):
        lines = ["vcm-init: begin selftest prog", "vcm-init: failed selftest prog"]
        parsed = ktap.parse(ktap.programs(lines)[1][0])
        self.assertEqual([test.status for test in parsed.tests], ["failed"])


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
            platform = platforms.get(name)
            self.assertTrue(platform.suites or platform.bench, name)

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


SAID = """\
Linux version 6.12.117 (vcm@vcm) (aarch64-linux-gnu-gcc (Debian 12.2.0-14) 12.2.0, GNU ld
vcm-init: bench B1
vcm-bench: B1|op=map size=4096|vcm|900|instructions
vcm-bench: B1|op=map size=4096|iommu_map|600|instructions
vcm-bench: B1|op=unmap size=4096|vcm|1800|instructions
vcm-bench: B1|op=unmap size=4096|iommu_map|1700|instructions
vcm-init: bench B4
vcm-bench: B4|n=1|vcm|4|pages
vcm-bench: B4|n=2|vcm|4|pages
vcm-bench: B4|n=2|domain|8|pages
""".splitlines()


class Booting(unittest.TestCase):
    @unittest.skipUnless(os.path.exists("/proc/sys/kernel/seccomp/actions_avail"),
                         "this kernel has no seccomp filters")
    def test_qemu_has_no_io_uring(self):
        ask = ("import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
               "print(libc.syscall(425, 1, None), ctypes.get_errno())")
        done = subprocess.run([sys.executable, "-c", ask], check=True, text=True,
                              capture_output=True, preexec_fn=qemu.without_io_uring)
        self.assertEqual(done.stdout.split(), ["-1", str(errno.ENOSYS)])

    def test_a_hang_says_what_it_was_about(self):
        platform = mock.Mock(user_space=True, qemu=[], stall=1, limit=60)
        platform.name = "hanging"
        with tempfile.TemporaryDirectory() as logs, \
                mock.patch.object(boot, "LOGS", Path(logs)), \
                mock.patch.object(boot, "Progress"), \
                mock.patch.object(boot, "command", lambda *_:
                                  ["sh", "-c", "echo Linux version 0; sleep 60"]):
            booted = boot.boot(platform, "image", "archive")
        self.assertIn("no output for 1 seconds, in which it ran for 0 seconds",
                      booted.trouble)
        self.assertEqual(booted.why()[-1], "Linux version 0")


class Bench(unittest.TestCase):
    def setUp(self):
        self.points = figures.parse(SAID)

    def verdicts(self, row, **goal):
        wanted = [goals.Goal(row, **goal)]
        return [(v.point.words(), v.peer, v.met)
                for v in goals.judge(wanted, goals.with_sums(self.points, wanted))]

    def test_what_is_read(self):
        self.assertEqual(len(self.points), 4)
        point = next(iter(self.points))
        self.assertEqual((point.get("size"), str(point)), (4096, "B1 op=map size=4096"))
        self.assertEqual(figures.kernel_of(SAID), "Linux 6.12, gcc 12")
        with self.assertRaisesRegex(VcmError, "said twice"):
            figures.parse([*SAID, SAID[2]])

    def test_a_row_that_fails_is_seen(self):
        self.assertEqual(figures.troubles(SAID), [])
        self.assertEqual(figures.troubles([*SAID, "vcm-bench: B4 failed (-12)"]),
                         ["B4 failed (-12)"])
        self.assertEqual(figures.troubles([*SAID, "vcm-init: bench B9"]),
                         ["row B9 said nothing"])
        self.assertTrue(figures.troubles([]))

    def test_two_boots(self):
        self.assertEqual(figures.differences(self.points, self.points), [])
        other = figures.parse([line.replace("|900|", "|901|") for line in SAID])
        self.assertEqual(len(figures.differences(self.points, other)), 1)
        self.assertEqual(len(figures.differences(self.points, figures.parse(SAID[:-1]))), 1)

    def test_a_clock_on_the_wall_may_differ(self):
        line = "vcm-bench: B12|cpus=2|vcm|{}|nanoseconds"
        self.assertEqual(figures.differences(figures.parse([line.format(1)]),
                                             figures.parse([line.format(2)])), [])

    def test_goals(self):
        self.assertEqual(self.verdicts("B1", formula="vcm <= peer + 300"),
                         [("op=map size=4096", "iommu_map", True),
                          ("op=unmap size=4096", "iommu_map", True)])
        self.assertEqual(self.verdicts("B1", formula="vcm <= peer + 300", sum="op"),
                         [("op=map+unmap size=4096", "iommu_map", False)])
        self.assertEqual(self.verdicts("B4", unit="pages", formula="vcm == at(n=1)",
                                       where={"n": 2}), [("n=2", "", True)])
        self.assertEqual(self.verdicts("B1", formula="vcm < peer", peers=["other"]), [])
        for formula in ("at(size=1) > 0", "nothing > 0", "__import__('os')"):
            with self.assertRaises(VcmError):
                self.verdicts("B1", formula=formula)

    def test_the_goals_that_there_are(self):
        titles, wanted = goals.load()
        self.assertTrue(wanted)
        for goal in wanted:
            self.assertIn(goal.row, titles)
            compile(goal.formula, goal.row, "eval")

    def test_budgets(self):
        wanted = [goals.Goal("B1", "vcm <= peer + 400")]
        with tempfile.TemporaryDirectory() as top, \
                mock.patch("goals.BUDGETS", Path(top, "budgets.json")):
            def wrong(points, kernel="k"):
                return {name: found for name, found in
                        goals.tests(kernel, "m", points, wanted).items() if found != []}

            goals.record("k", "m", self.points, wanted)
            self.assertEqual(wrong(self.points), {})
            self.assertEqual(set(wrong(self.points, "other").values()), {None})
            for figure, failures in ((915, 0), (925, 1), (905 * 2, 2)):
                points = figures.parse([line.replace("|900|", f"|{figure}|")
                                        for line in SAID])
                self.assertEqual(len(wrong(points)), failures, figure)
            # What is not measured any more has not got better.
            self.assertEqual(len(wrong({})), 3)

    def test_the_table(self):
        heads, lines = bench.columns("", self.points, [])
        self.assertEqual(heads[-4:], ["iommu_map (ratio)", "domain (ratio)", "goal", "met?"])
        self.assertIn("600 (1.50)", lines[0])

    def test_curves(self):
        some = plot.Plot("", "", "B4", "n", "", unit="pages")
        self.assertEqual(plot.curves(some, self.points), {"VCMM": [(1, 4), (2, 4)]})


def failures():
    """The tests that fail, as lines."""
    suite = unittest.defaultTestLoader.loadTestsFromName(__name__)
    result = unittest.TestResult()
    suite.run(result)
    return [f"{test}: {text.strip().splitlines()[-1]}"
            for test, text in result.failures + result.errors]
