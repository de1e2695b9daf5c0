# SPDX-License-Identifier: GPL-2.0-only
"""Do the tools see what they must? Each thing that can go wrong, once."""

import tempfile
import unittest
from pathlib import Path

import ktap
import source
import tree

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


def failures():
    """The tests that fail, as lines."""
    suite = unittest.defaultTestLoader.loadTestsFromName(__name__)
    result = unittest.TestResult()
    suite.run(result)
    return [f"{test}: {text.strip().splitlines()[-1]}"
            for test, text in result.failures + result.errors]
