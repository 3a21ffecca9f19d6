# SPDX-License-Identifier: Apache-2.0
"""What this host's kernel is not, in a virtual machine (tests/vm/machine.py): each script tests/vm/NAME.sh runs in one of its own."""
import os
import re
import shutil
import subprocess

from run import Failure, Skip
from vm.machine import Machine

from .cgroups import build_tool

# name: kernel parameters, modules
SCRIPTS = {
    "cgroup_v2": ("cgroup_no_v1=all hugepages=4", ["loop"]),
    "cgroup_v1": ("hugepages=4", ["loop"]),
    "criu": ("cgroup_no_v1=all", ["unix_diag", "inet_diag", "tcp_diag", "udp_diag", "netlink_diag", "af_packet_diag", "veth", "tun", "nf_tables",
                                         "nf_conntrack", "nf_conntrack_netlink"]),
    "native_v2": ("cgroup_no_v1=all", []),
}


def program(name):
    """A program of the host with what it is linked with."""
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    return {"/usr/local/bin/" + name: path, **{found: found for found in re.findall(r"(/\S+) \(0x", listed)}}


def extra_files(context, name):
    if name.startswith("cgroup_"):
        return {"/tool": build_tool(context)}
    if name != "criu":
        return {"/linuxd": context.linuxd}
    return {"/linuxd": os.path.join(context.build, "linuxd"), **program("criu"), **program("tar"), **program("ip")}


def vm(context):
    def test(name, append, modules):
        def run():
            machine = Machine(context)
            with open(context.path("tests/vm", name + ".sh")) as f:
                script = f.read()
            result = machine.run(script, files={"/lib.sh": context.path("tests/vm/lib.sh"), **extra_files(context, name)},
                                 append=append, modules=modules)
            if result.status != 0:
                wrong = [line for line in result.output.decode().splitlines() if line.startswith("FAIL: ")]
                raise Failure(f"{len(wrong)} things do not hold: {wrong[0][6:] if wrong else 'see the log'}")
        return name.replace("_", "-"), run
    return [test(name, *more) for name, more in SCRIPTS.items() if os.path.exists(context.path("tests/vm", name + ".sh"))]
