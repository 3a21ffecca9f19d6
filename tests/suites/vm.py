# SPDX-License-Identifier: Apache-2.0
"""What this host's kernel is not, in a virtual machine (tests/vm/machine.py): each script tests/vm/NAME.sh runs in one of its own."""
import os

from run import Failure
from vm.machine import Machine

from .cgroups import build_tool

# name: kernel parameters, modules
SCRIPTS = {
    "cgroup_v2": ("cgroup_no_v1=all hugepages=4", ["loop"]),
    "cgroup_v1": ("hugepages=4", ["loop"]),
}


def vm(context):
    def test(name, append, modules):
        def run():
            machine = Machine(context)
            with open(context.path("tests/vm", name + ".sh")) as f:
                script = f.read()
            result = machine.run(script, files={"/lib.sh": context.path("tests/vm/lib.sh"), "/tool": build_tool(context)},
                                 append=append, modules=modules)
            if result.status != 0:
                wrong = [line for line in result.output.decode().splitlines() if line.startswith("FAIL: ")]
                raise Failure(f"{len(wrong)} things do not hold: {wrong[0][6:] if wrong else 'see the log'}")
        return name.replace("_", "-"), run
    return [test(name, *more) for name, more in SCRIPTS.items() if os.path.exists(context.path("tests/vm", name + ".sh"))]
