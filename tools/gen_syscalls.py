#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes C and documentation from kernel/syscalls.tbl.

usage: gen_syscalls.py prototypes|table|shapes|fuzz|docs syscalls.tbl OUTPUT
       gen_syscalls.py check-docs syscalls.tbl docs/syscalls.md   (exit status 1: not up to date)
"""
import re
import sys

# kind: C type of the handler's parameter. Flag kinds and structures are shown by kernel/trace/.
INT = "int"
UINT = "unsigned"
PTR = "user_ptr"
KINDS = {
    # numbers
    "int": INT, "uint": UINT, "long": "long", "ulong": "u64", "hex": "u64", "hex32": UINT, "size": "size_t", "off": "s64",
    "addr": "u64", "fd": INT, "dirfd": INT, "pid": INT, "uid": "uid_t", "gid": "gid_t", "mode": "mode_t", "signal": INT,
    # flags and choices
    "whence": UINT, "open_flags": INT, "access_mode": INT, "at_flags": INT, "unlink_flags": INT, "rename_flags": UINT,
    "fcntl_cmd": UINT, "ioctl_cmd": UINT, "xattr_flags": INT, "fadvice": INT, "fallocate_mode": INT, "rwf_flags": INT,
    "statx_mask": UINT, "close_range_flags": UINT, "mount_flags": "u64", "umount_flags": INT, "mmap_prot": UINT,
    "mmap_flags": UINT, "mremap_flags": UINT, "msync_flags": INT, "madvice": INT, "clone_flags": "u64", "wait_options": INT,
    "waitid_type": INT, "arch_prctl_code": INT, "priority_which": INT, "sched_policy": INT, "sigmask_how": INT,
    "flock_op": INT, "epoll_op": INT, "inotify_mask": UINT, "splice_flags": UINT, "timer_flags": INT, "eventfd_flags": INT, "fd_flags": INT,
    "memfd_flags": UINT, "clock": INT, "itimer_which": INT, "rlimit_resource": UINT, "prctl_option": INT, "futex_op": INT,
    "getrandom_flags": UINT, "socket_family": INT, "socket_type": INT, "socket_flags": INT, "msg_flags": INT,
    "shutdown_how": INT, "sockopt_level": INT, "ipc_flags": INT, "ipc_cmd": INT,
    # memory: _in is read by the kernel, _out written, so shown after the call
    "ptr": PTR, "path": PTR, "string": PTR, "string_out": PTR, "strings": PTR, "strings_count": PTR, "in_buffer": PTR,
    "out_buffer": PTR, "iovec_in": PTR, "iovec_out": PTR, "int_in": PTR, "int_out": PTR, "u64_in": PTR, "u64_out": PTR,
    "off_inout": PTR, "fd_pair_out": PTR, "stat_out": PTR, "statx_out": PTR, "statfs_out": PTR, "timespec_in": PTR,
    "timespec_out": PTR, "timespec2_in": PTR, "timeval_in": PTR, "timeval_out": PTR, "timeval2_in": PTR, "itimerval_in": PTR,
    "itimerval_out": PTR, "itimerspec_in": PTR, "itimerspec_out": PTR, "rlimit_in": PTR, "rlimit_out": PTR,
    "rusage_out": PTR, "wait_status_out": PTR, "siginfo_in": PTR, "siginfo_out": PTR, "sigaction_in": PTR,
    "sigaction_out": PTR, "sigset_in": PTR, "sigset_out": PTR, "stack_in": PTR, "stack_out": PTR, "sockaddr_in": PTR,
    "sockaddr_out": PTR, "msghdr_in": PTR, "msghdr_out": PTR, "pollfds": PTR, "fd_set": PTR, "epoll_events": PTR,
    "epoll_event_in": PTR, "utsname_out": PTR, "open_how_in": PTR, "clone_args_in": PTR,
}
FLAGS = {"nolock": "SYSCALL_NOLOCK", "noreturn": "SYSCALL_NORETURN"}
BANNER = "/* Made by tools/gen_syscalls.py from kernel/syscalls.tbl. */\n"


class Argument:
    def __init__(self, text, where):
        match = re.fullmatch(r"(\w+):(\w+)(?:\((\w+)\))?", text)
        if not match or match[2] not in KINDS:
            sys.exit(f"{where}: bad argument '{text}'")
        self.name, self.kind, self.size_name = match.groups()
        self.ctype = KINDS[self.kind]


class Call:
    def __init__(self, line, family, where):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) not in (4, 5):
            sys.exit(f"{where}: expected 4 or 5 fields")
        self.number, self.name, self.state, self.family = int(parts[0]), parts[1], parts[2], family
        if not re.fullmatch(r"none|full|partial: .+", self.state):
            sys.exit(f"{where}: bad state '{self.state}'")
        self.arguments = [Argument(text, where) for text in parts[3].split()]
        self.flags = parts[4].split() if len(parts) == 5 else []
        if len(self.arguments) > 6 or any(flag not in FLAGS for flag in self.flags):
            sys.exit(f"{where}: too many arguments or unknown flag")
        names = [argument.name for argument in self.arguments]
        for argument in self.arguments:
            if argument.size_name not in (None, "ret") and argument.size_name not in names:
                sys.exit(f"{where}: no argument '{argument.size_name}'")

    def size_index(self, argument):
        if argument.size_name is None:
            return "SIZE_NONE"
        if argument.size_name == "ret":
            return "SIZE_RESULT"
        return str([a.name for a in self.arguments].index(argument.size_name))

    def prototype(self):
        parameters = [f"{a.ctype} {a.name}" for a in self.arguments]
        return f"long sys_{self.name}({', '.join(parameters) or 'void'});"


def parse(path):
    calls, family = [], None
    with open(path) as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            where = f"{path}:{number}"
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                family = line.strip("[]")
            else:
                calls.append(Call(line, family, where))
    calls.sort(key=lambda call: call.number)
    for a, b in zip(calls, calls[1:]):
        if a.number == b.number or a.name == b.name:
            sys.exit(f"{path}: {a.name} and {b.name} are the same call")
    return calls


def kind_enum(prefix):
    return "".join(f"\t{prefix}{kind.upper()},\n" for kind in KINDS)


def prototypes(calls):
    out = "/* SPDX-License-Identifier: Apache-2.0 */\n" + BANNER
    out += "#ifndef SYSCALLS_GEN_H\n#define SYSCALLS_GEN_H\n\n#include \"kernel/arch/x86_64/uaccess.h\"\n\n"
    out += f"#define NR_SYSCALLS {calls[-1].number + 1}\n\nenum syscall_number {{\n"
    out += "".join(f"\tSYS_{call.name} = {call.number},\n" for call in calls)
    out += "};\n\n/* What an argument means. */\nenum argument_kind {\n\tARG_NONE,\n" + kind_enum("ARG_") + "\tARG_KINDS\n};\n\n"
    out += "".join(call.prototype() + "\n" for call in calls)
    return out + "\n#endif\n"


def convert(argument, index):
    if argument.ctype == PTR:
        return f"user_ptr_at(a{index})"
    return f"({argument.ctype})a{index}"


def table(calls):
    out = "/* SPDX-License-Identifier: Apache-2.0 */\n" + BANNER
    out += "#include \"kernel/sys/syscall.h\"\n\n"
    out += "long sys_ni_syscall(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)\n{\n\treturn -ENOSYS;\n}\n"
    for call in calls:
        if call.state == "none":
            continue
        values = ", ".join(convert(a, i) for i, a in enumerate(call.arguments))
        out += f"\nstatic long enter_{call.name}(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)\n"
        out += f"{{\n\treturn sys_{call.name}({values});\n}}\n"
    out += "\nconst struct syscall_entry syscall_table[NR_SYSCALLS] = {\n"
    out += "\t[0 ... NR_SYSCALLS - 1] = { .fn = sys_ni_syscall },\n"
    for call in calls:
        fn = "sys_ni_syscall" if call.state == "none" else "enter_" + call.name
        flags = " | ".join(FLAGS[flag] for flag in call.flags) or "0"
        out += f"\t[{call.number}] = {{ {fn}, \"{call.name}\", {len(call.arguments)}, {flags}, {{\n"
        for a in call.arguments:
            out += f"\t\t{{ \"{a.name}\", ARG_{a.kind.upper()}, {call.size_index(a)} }},\n"
        out += "\t} },\n"
    return out + "};\n"


def table_pragmas(text):
    """The default row is overridden on purpose."""
    head, tail = text.split("\nconst struct syscall_entry", 1)
    pragma = "\n#pragma GCC diagnostic ignored \"-Woverride-init\"\n#ifdef __clang__\n"
    pragma += "#pragma clang diagnostic ignored \"-Winitializer-overrides\"\n#endif\n"
    return head + pragma + "const struct syscall_entry" + tail


def fuzz(calls):
    out = "/* SPDX-License-Identifier: Apache-2.0 */\n" + BANNER
    out += "#ifndef SYSCALLS_FUZZ_GEN_H\n#define SYSCALLS_FUZZ_GEN_H\n\n"
    out += "enum fuzz_kind {\n\tFUZZ_NONE,\n" + kind_enum("FUZZ_") + "\tFUZZ_KINDS\n};\n\n"
    out += "struct fuzz_call {\n\tint number;\n\tconst char *name;\n\tint implemented;\n\tint nargs;\n"
    out += "\tenum fuzz_kind args[6];\n};\n\nstatic const struct fuzz_call fuzz_calls[] = {\n"
    for call in calls:
        kinds = ", ".join("FUZZ_" + a.kind.upper() for a in call.arguments) or "FUZZ_NONE"
        out += f"\t{{ {call.number}, \"{call.name}\", {int(call.state != 'none')}, {len(call.arguments)}, {{ {kinds} }} }},\n"
    return out + "};\n\n#endif\n"


def shapes(calls):
    """What the host side knows of system calls: their names and how their arguments are shown."""
    out = "/* SPDX-License-Identifier: Apache-2.0 */\n" + BANNER
    out += "#ifndef SYSCALLS_SHAPES_GEN_H\n#define SYSCALLS_SHAPES_GEN_H\n\n"
    out += f"#define NR_SYSCALLS {calls[-1].number + 1}\n\nenum argument_kind {{\n\tARG_NONE,\n" + kind_enum("ARG_") + "\tARG_KINDS\n};\n\n"
    out += "struct syscall_shape {\n\tconst char *name;\n\tunsigned char nargs, kinds[6];\n\tconst char *args[6];\n};\n\n"
    out += "static const struct syscall_shape syscall_shapes[NR_SYSCALLS] = {\n"
    for call in calls:
        kinds = ", ".join("ARG_" + a.kind.upper() for a in call.arguments) or "0"
        names = ", ".join(f'"{a.name}"' for a in call.arguments) or "0"
        out += f'\t[{call.number}] = {{ "{call.name}", {len(call.arguments)}, {{ {kinds} }}, {{ {names} }} }},\n'
    return out + "};\n\n#endif\n"


def docs(calls):
    states = {"full": 0, "partial": 0, "none": 0}
    for call in calls:
        states[call.state.split(":")[0]] += 1
    out = "# System calls\n\n<!-- Made by tools/gen_syscalls.py from kernel/syscalls.tbl: change that, then `make docs`. -->\n\n"
    out += f"All {len(calls)} Linux x86-64 system calls and what linuxd's kernel does with them: {states['full']} full, "
    out += f"{states['partial']} partial, {states['none']} none (`ENOSYS`).\n"
    for family in dict.fromkeys(call.family for call in FILE_ORDER):
        out += f"\n## {family}\n\n| number | call | state |\n|---|---|---|\n"
        for call in calls:
            if call.family == family:
                arguments = ", ".join(a.name for a in call.arguments)
                out += f"| {call.number} | `{call.name}({arguments})` | {call.state} |\n"
    return out


FILE_ORDER = []


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    mode, source, output = sys.argv[1:]
    calls = parse(source)
    with open(source) as f:
        families = re.findall(r"^\[(.*)\]$", f.read(), re.M)
    FILE_ORDER.extend(sorted(calls, key=lambda call: families.index(call.family)))
    if mode == "check-docs":
        with open(output) as f:
            if f.read() != docs(calls):
                sys.exit(f"{output} is not up to date: run 'make docs'")
        return
    text = {"prototypes": prototypes, "table": lambda c: table_pragmas(table(c)), "shapes": shapes,
            "fuzz": fuzz, "docs": docs}[mode](calls)
    with open(output, "w") as f:
        f.write(text)


main()
