# SPDX-License-Identifier: Apache-2.0
set -e
cd /tmp
rustc --version
rustc -O /mnt/threads.rs -o program
./program 2>/dev/null
(./program panic >/dev/null || echo "status $?" >&3) 3>&1 2>/dev/null
rustc -C panic=abort /mnt/threads.rs -o program
(./program panic >/dev/null || echo "status $?" >&3) 3>&1 2>/dev/null
