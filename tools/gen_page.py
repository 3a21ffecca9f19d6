#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes one page of runtime/trace/page/: the style and the scripts go into the HTML. What linuxd fills in stays: @TITLE@, @FACTS@, @DATA@.

usage: gen_page.py page.html page.css SCRIPT... OUTPUT
"""
import sys

page, style, *scripts, output = sys.argv[1:]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


text = read(page).replace("@CSS@", read(style).strip()).replace("@JS@", "\n".join(read(script).strip() for script in scripts))
with open(output, "w", encoding="utf-8") as f:
    f.write(text)
