# SPDX-License-Identifier: Apache-2.0
"""What the sources themselves must obey: format, layers, documentation, and builds with every compiler and option."""
import os
import shutil

from run import Failure, Skip

BUILDS = [("gcc-release", "gcc", ["--buildtype=release", "-Db_ndebug=if-release"]), ("clang-debug", "clang", ["-Ddebug_kernel=true"]),
          ("gcc-debug", "gcc", ["-Ddebug_kernel=true"])]


def checks(context):
    def script(*command):
        return lambda: context.run([context.path(command[0]), *command[1:]], check=True, cwd=context.source)

    def generated_docs():
        context.run(["python3", context.path("tools/gen_syscalls.py"), "check-docs", context.path("kernel/syscalls.tbl"),
                     context.path("docs/syscalls.md")], check=True)
        made = context.out("host-abi.md")
        context.run(["python3", context.path("tools/gen_host.py"), "docs", context.path("kernel/host/host.tbl"), made], check=True)
        context.run(["cmp", made, context.path("docs/host-abi.md")], check=True)

    def build(name, compiler, options):
        def run():
            if not shutil.which(compiler):
                raise Skip(f"{compiler} is not installed")
            directory = context.out("builds", name)
            environment = dict(os.environ, CC=compiler)
            if not os.path.exists(os.path.join(directory, "build.ninja")):
                context.run(["meson", "setup", directory, context.source, "--werror", *options], check=True, env=environment, timeout=120)
            context.run(["ninja", "-C", directory], check=True, timeout=600)
            if not os.path.exists(os.path.join(directory, "kernel", "linuxd-kernel.elf")):
                raise Failure("no kernel was built")
        return run

    tests = [("layers", script("tools/check_layers.py")), ("format", script("tools/check_format.py")),
             ("cloexec", script("tools/check_cloexec.py")),
             ("generated-docs", generated_docs)]
    return tests + [("build-" + name, build(name, compiler, options)) for name, compiler, options in BUILDS]
