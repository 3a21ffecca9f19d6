#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an assembler file that puts a file into a binary, between the symbols NAME_start and NAME_end.

usage: gen_embed.py NAME FILE OUTPUT
"""
import os
import sys

name, path, output = sys.argv[1:]
with open(output, 'w') as out:
    out.write(f'\t.section .rodata\n\t.balign 4096\n\t.globl {name}_start, {name}_end\n'
              f'{name}_start:\n\t.incbin "{os.path.abspath(path)}"\n{name}_end:\n'
              '\t.section .note.GNU-stack, "", @progbits\n')
