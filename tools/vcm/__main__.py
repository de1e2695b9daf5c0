# SPDX-License-Identifier: GPL-2.0-only
"""The tools behind the top Makefile: python3 tools/vcm COMMAND [NAME=value...]"""

import fcntl
import os
import signal
import sys

import platforms
from results import total_of_files
from tree import assemble
from util import BUILD, VcmError, say


def cmd_tree(words):
    say(str(assemble(words.get("KDIR"), words.get("EXTRA")).path))


def cmd_test(words):
    from suites import test
    chosen = platforms.chosen(words.get("PLATFORM"))
    return test(assemble(words.get("KDIR"), words.get("EXTRA")), chosen,
                words.get("SUITE"))


def cmd_demo(words):
    from demo import choose, demo
    platform = choose(words.get("PLATFORM"))
    return demo(assemble(words.get("KDIR"), words.get("EXTRA")), platform)


def cmd_bench(words):
    from bench import bench
    chosen = platforms.chosen(words.get("PLATFORM"), "bench")
    return bench(assemble(words.get("KDIR"), words.get("EXTRA")), chosen,
                 words.get("UPDATE"))


def cmd_check(words):
    from check import check
    return check(assemble(words.get("KDIR"), words.get("EXTRA")), words.get("CHECK"))


def cmd_docs(words):
    from docs import docs
    return docs(assemble(words.get("KDIR")))


def cmd_series(words):
    from series import series
    return series(assemble(words.get("KDIR")))


def cmd_platforms(_words):
    for name in platforms.names():
        say(f"  {name:16} {platforms.get(name).summary}")


def cmd_total(_words):
    return total_of_files(["check", "results"])


def alone():
    """Two runs must not lay files over the same copy; the second one waits."""
    BUILD.mkdir(parents=True, exist_ok=True)
    lock = open(BUILD / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("vcm: waiting for another run in this tree to end")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main(argv):
    commands = {name[4:]: function for name, function in globals().items()
                if name.startswith("cmd_")}
    if len(argv) < 2 or argv[1] not in commands:
        say(f"usage: {os.path.basename(argv[0])} {'|'.join(sorted(commands))} "
            "[NAME=value...]")
        return 2
    # However we are ended, the programs that we started end first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    words = dict(word.split("=", 1) for word in argv[2:] if "=" in word)
    try:
        _lock = alone()
        return commands[argv[1]](words) or 0
    except VcmError as error:
        say(f"vcm: error: {error}")
    except KeyboardInterrupt:
        say("vcm: error: interrupted")
    except OSError as error:
        say(f"vcm: error: {error}")
    return 1


sys.exit(main(sys.argv))
