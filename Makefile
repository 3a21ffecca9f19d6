# SPDX-License-Identifier: Apache-2.0
# A thin front of meson and ninja. `make demo` and `make check` are all one needs to know.
.PHONY: all demo check check-quick check-python soak bench docs packages install clean
BUILD ?= build
PREFIX ?= /usr/local

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) --buildtype=release

# As root on Debian: installs what is missing. Else says what to install, and how.
packages:
	tools/packages.sh

demo: packages all
	tools/demo.sh $(BUILD)

# All tests; the last line is "N passed, N failed".
check: packages all
	tests/run.py --build $(BUILD)

# What needs no root file system from the network.
check-quick: all
	tests/run.py --build $(BUILD) --group checks --group unit --group conformance --group security

# All of Python's own regression tests that the project names, inside and on the host; `check` runs some. About 20 minutes.
check-python: packages all
	tests/run.py --build $(BUILD) --group python

# An hour of mixed load without a leak; SECONDS=600 make soak for less.
soak: packages all
	tests/soak.py --build $(BUILD) --seconds $${SECONDS:-3600}

bench: packages all
	bench/run.py --build $(BUILD)

docs:
	tools/gen_syscalls.py docs kernel/syscalls.tbl docs/syscalls.md
	tools/gen_host.py docs kernel/host/host.tbl docs/host-abi.md

# The program, linuxd-native, man pages, completions.
install: all
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	meson install -C $(BUILD) $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf $(BUILD)
