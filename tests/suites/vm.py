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
    "selinux": ("cgroup_no_v1=all selinux=1 security=selinux enforcing=0", []),
    "apparmor": ("cgroup_no_v1=all apparmor=1 security=apparmor", []),
    "sandbox": ("cgroup_no_v1=all", []),
    "systemd": ("cgroup_no_v1=all systemd.log_level=warning systemd.show_status=0", []),
    "systemd_v1": ("systemd.unified_cgroup_hierarchy=0 systemd.log_level=warning systemd.show_status=0", []),
}
# Scripts that two machines run.
SAME = {"systemd_v1": "systemd"}


def program(name):
    """A program of the host with what it is linked with."""
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    return {"/usr/local/bin/" + name: path, **{found: found for found in re.findall(r"(/\S+) \(0x", listed)}}


def selinux_policy(context):
    """For the kernel, made of tests/vm/selinux.cil."""
    if not shutil.which("secilc"):
        raise Skip("secilc is not installed")
    policy = context.out("vm", "selinux-policy")
    context.run(["secilc", "-c", "31", "-o", policy, "-f", os.devnull, context.path("tests/vm/selinux.cil")], check=True)
    return policy


# As little of a system as systemd takes for one: our script is its only service.
SYSTEMD_UNITS = {
    "default.target": "[Unit]\nRequires=script.service\nAfter=script.service\n",
    "script.service": "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sh /script >/dev/ttyS1 2>&1; "
                      "echo \"@status $?\" >/dev/ttyS1; sync; poweroff -f'\nEnvironment=PATH=/bin:/usr/bin\nKillMode=none\n",
}


def systemd_files(context):
    """The host's systemd as the first process."""
    files = {"/init2": b"#!/bin/sh\nmkdir -p /etc/systemd/system\nexec /lib/systemd/systemd\n", "/etc/machine-id": b"0123456789abcdef0123456789abcdef\n",
             "/etc/os-release": b"ID=test\n"}
    for path in ("/lib/systemd/systemd", "/lib/systemd/systemd-executor", "/usr/bin/systemctl"):
        if not os.path.exists(path):
            if path.endswith("executor"):
                continue
            raise Skip("systemd is not installed")
        files.update({path: path, **{found: found for found in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", path], capture_output=True, text=True).stdout)}})
    for name, text in SYSTEMD_UNITS.items():
        files["/etc/systemd/system/" + name] = text.encode()
    return files


def extra_files(context, name):
    if name.startswith("systemd"):
        return {"/tool": build_tool(context), "/linuxd": context.linuxd, **systemd_files(context)}
    if name.startswith("cgroup_"):
        return {"/tool": build_tool(context)}
    if name == "selinux":
        return {"/linuxd": context.linuxd, "/policy": selinux_policy(context)}
    if name == "apparmor":
        return {"/linuxd": context.linuxd, **program("apparmor_parser")}
    if name != "criu":
        return {"/linuxd": context.linuxd}
    return {"/linuxd": os.path.join(context.build, "linuxd"), **program("criu"), **program("tar"), **program("ip")}


def vm(context):
    def test(name, append, modules):
        def run():
            machine = Machine(context)
            with open(context.path("tests/vm", SAME.get(name, name) + ".sh")) as f:
                script = f.read()
            result = machine.run(script, files={"/lib.sh": context.path("tests/vm/lib.sh"), **extra_files(context, name)},
                                 append=append, modules=modules)
            if result.status != 0:
                wrong = [line for line in result.output.decode().splitlines() if line.startswith("FAIL: ")]
                raise Failure(f"{len(wrong)} things do not hold: {wrong[0][6:] if wrong else 'see the log'}")
        return name.replace("_", "-"), run
    return [test(name, *more) for name, more in SCRIPTS.items()]
