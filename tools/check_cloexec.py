#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that descriptors close on exec from birth: of the calls that make one, only those forms are used that set the flag at once. What leaks
into a container is a way out of it.

An exception (a flag in a variable, a descriptor that is meant to survive) has a comment with the word "cloexec:" and the reason on its line or the
one before. The kernel of the sandbox and the tests are not looked at: the one executes nothing on the host, the others test plain forms.
"""
import os
import re
import sys

FOLDERS = "runtime engine cli simulator tools".split()
NEEDS = {
    "open": "O_CLOEXEC", "openat": "O_CLOEXEC", "open64": "O_CLOEXEC", "mkostemp": "O_CLOEXEC", "dup3": "O_CLOEXEC", "pipe2": "O_CLOEXEC",
    "memfd_create": "MFD_CLOEXEC", "socket": "SOCK_CLOEXEC", "socketpair": "SOCK_CLOEXEC", "accept4": "SOCK_CLOEXEC",
    "recvmsg": "MSG_CMSG_CLOEXEC", "recvmmsg": "MSG_CMSG_CLOEXEC", "eventfd": "EFD_CLOEXEC", "signalfd": "SFD_CLOEXEC",
    "timerfd_create": "TFD_CLOEXEC", "epoll_create1": "EPOLL_CLOEXEC", "inotify_init1": "IN_CLOEXEC", "fsopen": "FSOPEN_CLOEXEC",
    "fsmount": "FSMOUNT_CLOEXEC", "open_tree": "OPEN_TREE_CLOEXEC", "fspick": "FSPICK_CLOEXEC", "fanotify_init": "FAN_CLOEXEC",
    "perf_event_open": "PERF_FLAG_FD_CLOEXEC", "userfaultfd": "O_CLOEXEC",
}
BANNED = {
    "creat": "open with O_CLOEXEC", "dup": "fcntl with F_DUPFD_CLOEXEC", "dup2": "dup3 with O_CLOEXEC", "pipe": "pipe2 with O_CLOEXEC",
    "accept": "accept4 with SOCK_CLOEXEC", "epoll_create": "epoll_create1 with EPOLL_CLOEXEC", "inotify_init": "inotify_init1 with IN_CLOEXEC",
    "mkstemp": "mkostemp with O_CLOEXEC", "tmpfile": "mkostemp with O_CLOEXEC", "freopen": "fopen",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join([*NEEDS, *BANNED, "fopen", "popen", "fcntl"]) + r")\s*\(")


def arguments(text, start):
    """From behind the opening parenthesis to the one that closes it."""
    depth, at = 1, start
    while at < len(text) and depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def without_comments(text):
    """Comments and string contents as spaces: places stay."""
    def blank(match):
        found = match[0]
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", blank, text, flags=re.S)


def problems(text):
    lines = text.split("\n")
    code = without_comments(text)
    for match in CALL.finditer(code):
        name, given = match[1], arguments(code, match.end())
        number = code.count("\n", 0, match.start())
        before = code[code.rfind("\n", 0, match.start()) + 1:match.start()]
        # A declaration or a definition.
        if re.match(r"\s*(static|extern|int|long|struct|FILE)\b[^=;(]*$", before):
            continue
        if "cloexec:" in lines[number] or (number and "cloexec:" in lines[number - 1]):
            continue
        if name in ("fopen", "popen"):
            mode = given.rsplit(",", 1)[-1]
            wrong = None if "e" in mode else 'the mode needs an "e"'
        elif name == "fcntl":
            wrong = "use F_DUPFD_CLOEXEC" if re.search(r"\bF_DUPFD\b", given) else None
        elif name in BANNED:
            wrong = f"use {BANNED[name]}"
        else:
            wrong = None if NEEDS[name] in given else f"needs {NEEDS[name]}"
        if wrong:
            yield number + 1, f"{name}: {wrong}"


def main():
    found = 0
    for top in FOLDERS:
        for directory, _, names in os.walk(top):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(directory, name)
                    with open(path) as f:
                        for number, message in problems(f.read()):
                            print(f"{path}:{number}: {message}")
                            found += 1
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
