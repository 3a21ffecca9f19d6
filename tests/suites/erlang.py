# SPDX-License-Identifier: Apache-2.0
"""Erlang/OTP from Debian inside linuxd: each program of tests/integration/erlang prints the same as on the host, with one and two cpus and
one and several schedulers.

The programs are compiled inside, by Erlang's own compiler; the host compiles them too, and the code must be the same. Each NAME.erl with
main/0 is a test. A line "%% flags: A | B" runs it with each of these flags of erl. NAME.sh is a script with several of its commands.
"""
import glob
import os
import re
import shutil

from run import PATH, Failure, Result, Skip

from .command import Terminal
from .integration import check_nothing_left, clean_data, make_rootfs

# cpus, flags of erl. Without +S there are as many schedulers as cpus.
SHAPES = [(1, "+S 1"), (1, "+S 2:2"), (2, "+S 1"), (2, "+S 2"), (2, "+S 4:4")]
# Ways to set up memory, threads and polling that differ in what they ask of the kernel.
VARIANTS = ["+MMscs 256 +MIscs 512", "+MMsco true +MMscs 512", "+K true +IOt 4 +IOp 2", "+SDio 20 +SDcpu 2:2", "+sbt db", "+sbwt very_long",
            "+sbwt none +swt very_low", "+c false", "+C multi_time_warp", "+JPperf true", "+Meamin", "+A 64", "+P 134217727 +hms 10000"]
# What is typed into the shell, and what is waited for: editing, completion, ^G and its jobs, ^C and its menu.
DIALOGUE = [
    (b"", b"1> "), (b"1+2.\r", b"2> "), (b"X = lists:seq(1,10).\r", b"3> "), (b'io:get_line("name> ").\r', b"name> "),
    (b"someone\r", b"4> "), (b"12\x1b[D+\r", b"4> "), (b".\r", b"5> "), (b"lists:sum(Y).\r", b"6> "), (b"list\t", b"lists:"),
    (b"su\t", b"su"), (b"m(X).\r", b"7> "), (b"io:rows().\r", b"8> "), (b"receive after infinity -> ok end.\r", b"end.\r\n"),
    (b"\x07", b" --> "), (b"j\r", b" --> "), (b"i 1\r", b" --> "), (b"c 1\r", b"9> "), (b"\x07", b" --> "), (b"s\r", b" --> "), (b"c\r", b"1> "),
    (b"a1.\r", b"2> "),
]
# From the menu on the terminal echoes, until the shell switches that off at a moment nobody sees: here only the answers are waited for.
BREAK = [(b"\x03", b"(d)istribution\r\r\n"), (b"c\r", b"c\r\n"), (b"6*7.\r", b"42\r\n3> "), (b"\x03", b"(d)istribution\r\r\n"), (b"a\r", b"a\r\n")]
ENVIRONMENT = ["ERL_CRASH_DUMP_SECONDS=0"] # a crash is reported by the test, not by a file
COMPILE = ["/bin/sh", "-c", "cd /data && erlc *.erl && md5sum *.beam"]


def erlang(context):
    scripts = sorted(glob.glob(context.path("tests/integration/erlang/*.sh")))
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
        root = make_rootfs(context, "erlang")
        data = os.path.join(root, "data")
        sums = []
        for run in (context.oracle, context.inside):
            clean_data(root)
            for path in programs + scripts:
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

    def variants():
        root = rootfs()
        answer = context.oracle(root, erl("messages", ""), timeout=300)
        for flags in VARIANTS:
            try:
                context.same(answer, context.inside(root, erl("messages", flags), timeout=300, options=["--tmpfs", "/tmp"]))
            except Failure as failure:
                raise Failure(f"erl {flags}: {failure}") from None

    def script(path):
        name = os.path.basename(path)

        def run():
            root = rootfs()
            command = ["/bin/bash", f"/data/{name}"]
            answer = context.oracle(root, command, timeout=300)
            for cpus in (1, 2):
                context.same(answer, context.inside(root, command, cpus=cpus, timeout=300, options=["--tmpfs", "/tmp"]))
                check_nothing_left()
        return name[:-3], run

    def shell():
        """The interactive shell in a terminal shows, byte for byte, what it shows on the host."""
        root = rootfs()
        inside = [context.linuxd, "run", "--tty", "--rootfs", root, "--hostname", "linuxd", "--tmpfs", "/tmp", "--env", PATH, "--env", "HOME=/root",
                  "--env", "TERM=xterm"]
        outside = ["/usr/bin/env", "LINUXD_TEST_ENV=TERM=xterm", context.path("tests/oracle.sh"), root]
        shown = []
        for command in (outside, [*inside, "--cpus", "1", "--"], [*inside, "--cpus", "2", "--"]):
            terminal = Terminal(context, command=[*command, "erl", "+S", "2:2", "+SDcpu", "2:2"])
            for text, answer in DIALOGUE:
                terminal.type(text, answer, timeout=60)
            text = terminal.all
            for typed, answer in BREAK:
                terminal.type(typed, answer, timeout=60)
            shown.append((text, terminal.end()))
        for text, status in shown[1:]:
            context.same(Result(shown[0][1], shown[0][0]), Result(status, text))

    def has_main(path):
        with open(path) as f:
            return "main/0" in f.read()

    return [*[test(path) for path in programs if has_main(path)], *[script(path) for path in scripts], ("variants", variants), ("shell", shell)]
