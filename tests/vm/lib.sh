# SPDX-License-Identifier: Apache-2.0
# For scripts that run in the virtual machine: each says what does not hold and goes on; "finish" tells whether all did.
failures=0
bad() { echo "FAIL: $*"; failures=$((failures + 1)); }
is() { [ "$(cat "$1" 2>&1)" = "$2" ] || bad "$1 is '$(cat "$1" 2>&1)' instead of '$2'"; }
has() { cat "$1" | grep -q -- "$2" || bad "$1 has no '$2': $(cat "$1")"; }
ok() { "$@" >/out 2>&1 || bad "$*: $(cat /out)"; }
# refuses "words of the error" command...
refuses() {
	words=$1
	shift
	"$@" >/out 2>&1 && bad "$* does not fail"
	grep -q -- "$words" /out || bad "$* does not say '$words': $(cat /out)"
}
gone() { [ ! -e "$1" ] || bad "$1 is left"; }
finish() { echo "$failures failures"; exit $((failures > 0)); }
