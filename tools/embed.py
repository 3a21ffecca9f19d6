#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a C array of a file.

usage: embed.py NAME INPUT OUTPUT.c
Defines `const unsigned char NAME[]`, page aligned, and `const unsigned long NAME_size`.
"""
import sys


def main():
    name, source, target = sys.argv[1:]
    with open(source, "rb") as f:
        data = f.read()
    rows = (", ".join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24))
    with open(target, "w") as f:
        f.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/embed.py. */\n")
        f.write(f"extern const unsigned char {name}[];\nextern const unsigned long {name}_size;\n")
        f.write(f"const unsigned char {name}[] __attribute__((aligned(4096))) = {{\n\t")
        f.write(",\n\t".join(rows))
        f.write(f"\n}};\nconst unsigned long {name}_size = sizeof({name});\n")


main()
