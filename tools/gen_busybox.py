#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds the busybox that goes into linuxd and writes a copy of it and the list of its applets.

Without a statically linked busybox (Debian: package busybox-static) the copy is an empty file; linuxd then says so when asked for it.

usage: gen_busybox.py COPY APPLETS_HEADER
"""
import shutil
import subprocess
import sys

copy, header = sys.argv[1:]
applets = []
open(copy, 'wb').close()
for path in ('/bin/busybox', '/usr/bin/busybox'):
    try:
        data = open(path, 'rb').read()
        # A dynamically linked one names its interpreter.
        if b'/ld-linux' in data or b'/ld-musl' in data:
            continue
        applets = subprocess.run([path, '--list'], capture_output=True, text=True, check=True).stdout.split()
        shutil.copyfile(path, copy)
        break
    except (OSError, subprocess.CalledProcessError):
        continue
with open(header, 'w') as out:
    out.write('/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_busybox.py. */\n'
              'static const char *const busybox_applets[] = {\n')
    for applet in applets:
        out.write(f'\t"{applet}",\n')
    out.write('\t0\n};\n')
