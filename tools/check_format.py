#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the format of the sources: tabs for indentation in C, no space at line ends, a newline at the end of a file,
no line that is much longer than 100 columns. clang-format (.clang-format) is for writing; it is not asked to judge here,
because tables and ops structures are aligned by hand.
"""
import os
import sys

FOLDERS = "include lib kernel runtime cli simulator tests bench tools docs".split()
SUFFIXES = (".c", ".h", ".S", ".py", ".sh", ".md", ".tbl", ".build")
MAX_COLUMNS = 160


def columns(line):
    width = 0
    for character in line:
        width += 8 - width % 8 if character == "\t" else 1
    return width


def problems(path, text):
    is_c = path.endswith((".c", ".h", ".S"))
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")) and not path.endswith(".tbl"):
            yield number, "space at the end of the line"
        if is_c and line.startswith("        "):
            yield number, "indented with spaces"
        if is_c and columns(line) > MAX_COLUMNS:
            yield number, f"{columns(line)} columns"
        if line.startswith(("<<<<<<<", ">>>>>>>")):
            yield number, "conflict marker"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"


def main():
    found = 0
    paths = [name for name in os.listdir(".") if name.endswith(SUFFIXES)]
    for top in FOLDERS:
        for directory, _, names in os.walk(top):
            paths += [os.path.join(directory, name) for name in names if name.endswith(SUFFIXES)]
    for path in sorted(paths):
        with open(path) as f:
            for number, message in problems(path, f.read()):
                print(f"{path}:{number}: {message}")
                found += 1
    sys.exit(1 if found else 0)


main()
