# SPDX-License-Identifier: Apache-2.0
"""Native mode: containers on the host's kernel, as an OCI runtime's callers start them."""
import json
import os

from .bundles import Bundle, expect


def life(b):
    b.script("echo hello; sleep 100")
    b.create("--pid-file", "pid")
    state = b.state()
    expect(state["status"] == "created" and state["id"] == b.name and state["bundle"] == b.path, f"state is {state}")
    expect(open(os.path.join(b.path, "pid")).read() == str(state["pid"]), "the pid file is wrong")
    expect(b.printed() == "", "the program ran before start")
    b.start()
    expect(b.state()["status"] == "running", "not running")
    refused = b.command("delete", b.name)
    expect(refused.status == 1 and b"that is not stopped" in refused.output, "delete of a running container")
    again = b.command("start", b.name)
    expect(again.status == 1 and b"already running" in again.output, "a second start")
    b.command("kill", b.name, "KILL", check=True)
    b.wait_for("stopped")
    expect(b.state()["pid"] == 0, "a pid although it has ended")
    expect("hello" in b.printed(), "no output")
    gone = b.command("kill", b.name, "TERM")
    expect(gone.status == 1 and b"container not running" in gone.output, "kill of a stopped container")
    b.command("delete", b.name, check=True)
    gone = b.command("state", b.name)
    expect(gone.status == 1 and b"does not exist" in gone.output, "state of none")
    expect(b.command("delete", "--force", "nobody").status == 0, "delete --force of none")


def exit_status(b):
    for script, status in (("exit 0", 0), ("exit 42", 42), ("sh -c 'kill -9 $$'; exit $?", 137)):
        result = b.script(script).run()
        expect(result.status == status, f"{script}: status {result.status}")
    b.process["args"] = ["no-such-program"]
    result = b.run()
    expect(result.status == 1 and b"executable file not found in $PATH" in result.output, "a program that is not there")
    b.process["args"] = ["/tmp"]
    expect(b.run().status == 1, "a directory was executed")


def names(b):
    for bad in ("", ".", "..", "a/b", "a b", "ä"):
        b.write()
        result = b.command("create", bad)
        expect(result.status == 1 and b"invalid container ID" in result.output, f"id {bad!r} was taken: {result.output}")
    b.create()
    again = b.command("create", b.name)
    expect(again.status == 1 and b"already exists" in again.output, "an id was taken twice")


def logs(b):
    b.command("state", "nobody", globals=("--log", b.path + "/log", "--log-format", "json"))
    line = json.loads(open(b.path + "/log").read())
    expect(set(line) == {"level", "msg", "time"} and line["level"] == "error" and "does not exist" in line["msg"], f"log is {line}")


def isolation(b):
    b.script("hostname; id -u; cat /proc/1/comm; ls /sys/class/net; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status")
    lines = b.output().split()
    expect(lines[:4] == ["bundle", "0", "sh", "lo"], f"sees {lines}")
    expect(lines[5] == "0000000020000420" and lines[7] == "1", f"rights are {lines}")


def bad_config(b):
    b.linux["namespaces"].append({"type": "pidd"})
    b.refused('linux.namespaces[6].type: "pidd" is none of pid, network, mount')
    b.linux["namespaces"].pop()
    del b.config["root"]
    b.refused("root: is missing")


TESTS = [life, exit_status, names, logs, isolation, bad_config]


def native(context):
    def test(function):
        def run():
            with Bundle(context, function.__name__.replace("_", "-")) as bundle:
                function(bundle)
        return function.__name__.replace("_", "-"), run
    return [test(function) for function in TESTS]
