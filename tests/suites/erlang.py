# SPDX-License-Identifier: Apache-2.0
"""Erlang/OTP from Debian inside linuxd: each program of tests/integration/erlang prints the same as on the host, with one and two cpus and
one and several schedulers.

The programs are compiled inside, by Erlang's own compiler; the host compiles them too, and the code must be the same. Each NAME.erl with
main/0 is a test. A line "%% flags: A | B" runs it with each of these flags of erl.
"""
import glob
import os
import re
import shutil

from run import Failure, Skip

from .integration import check_nothing_left, clean_data, make_rootfs

# cpus, flags of erl. Without +S there are as many schedulers as cpus.
SHAPES = [(1, "+S 1"), (1, "+S 2"), (2, "+S 1"), (2, "+S 2")]
ENVIRONMENT = ["ERL_CRASH_DUMP_SECONDS=0"] # a crash is reported by the test, not by a file
COMPILE = ["/bin/sh", "-c", "cd /data && erlc *.erl && md5sum *.beam"]


def erlang(context):
    programs = sorted(glob.glob(context.path("tests/integration/erlang/*.erl")))
    state = {}

    def rootfs():
        """The root file system with the programs in /data, compiled."""
        if state:
            if "problem" in state:
                raise state["problem"]
            return state["root"]
        try:
            state["root"] = prepare()
        except (Failure, Skip) as problem:
            state["problem"] = problem
            raise
        return state["root"]

    def prepare():
        if not context.can_unshare():
            raise Skip("needs the right to make namespaces, to run the same programs on the host")
        try:
            root = make_rootfs(context, "erlang")
        except Failure:
            raise Skip("a Debian with Erlang cannot be had here: tools/make_rootfs.sh erlang failed") from None
        data = os.path.join(root, "data")
        sums = []
        for run in (context.oracle, context.inside):
            clean_data(root)
            for path in programs:
                shutil.copy(path, data)
            sums.append(run(root, COMPILE, timeout=300))
        context.same(*sums)
        if sums[0].status != 0:
            raise Failure(f"the programs do not compile: {sums[0].output[-200:]}")
        return root

    def erl(name, flags):
        return ["/usr/bin/env", "--chdir=/data", *ENVIRONMENT, "erl", *flags.split(), "-noshell", "-noinput", "-s", name, "main",
                "-s", "erlang", "halt"]

    def test(path):
        name = os.path.basename(path)[:-4]
        with open(path) as f:
            flags = re.search(r"^%% flags:(.*)$", f.read(), re.M)
        flags = [text.strip() for text in flags[1].split("|")] if flags else [""]

        def run():
            root = rootfs()
            answer = context.oracle(root, erl(name, "+S 2"), timeout=300)
            if answer.status != 0:
                raise Failure(f"status {answer.status} on the host")
            for cpus, schedulers in SHAPES:
                for more in flags:
                    try:
                        context.same(answer, context.inside(root, erl(name, f"{schedulers} {more}"), cpus=cpus, timeout=300,
                                                            options=["--tmpfs", "/tmp"]))
                        check_nothing_left()
                    except Failure as failure:
                        raise Failure(f"--cpus {cpus}, erl {schedulers} {more}: {failure}") from None
        return name, run

    def has_main(path):
        with open(path) as f:
            return "main/0" in f.read()

    return [test(path) for path in programs if has_main(path)]
