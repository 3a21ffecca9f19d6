# SPDX-License-Identifier: Apache-2.0
"""The way from a container to the outside and back: tests/network/tests.py, each test in a network namespace of its own."""
import os
import re

from run import Failure, Skip

from .integration import make_rootfs


def network(context):
    def test(name):
        def run():
            if not context.can_unshare():
                raise Skip("this user can make no namespaces")
            root = make_rootfs(context, "network")
            user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
            result = context.run(["unshare", *user, "--net", "--mount", "python3", "-B", context.path("tests/network/tests.py"), context.linuxd, root,
                                  context.source, context.build, name], timeout=150)
            if result.status != 0:
                found = re.findall(r"^FAILURE: (.*)", result.output.decode(errors="replace"), re.M)
                raise Failure(found[-1] if found else f"status {result.status}")
        return name.replace("_", "-"), run

    with open(context.path("tests/network/tests.py")) as f:
        names = re.findall(r"\w+", re.search(r"^TESTS = \[(.*?)\]", f.read(), re.M | re.S)[1])
    return [test(name) for name in names]
