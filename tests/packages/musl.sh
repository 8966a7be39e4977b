#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 3600
# The program builds with musl, the C library of OpenWrt, and its unit tests pass (scripts/musl). So do the packet
# tests and a WireGuard tunnel through a firewall, with that program. The first run builds the libraries too. A router
# differs in its kernel, its architecture and, if the mirror has no source of libmnl, that library (scripts/musl -l
# says so). musl has no sanitizers. BREAK=1 takes the program of the ordinary build.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${O:-build}/musl
passed=0 failed=0

verdict() { # NAME STATUS
	if (($2)); then
		failed=$((failed + 1))
		echo "FAIL $1, the end of $build/$1.log:"
		tail -n 5 "$build/$1.log"
	else
		passed=$((passed + 1))
	fi
}
try() { # NAME COMMAND...
	local status=0
	"${@:2}" > "$build/$1.log" 2>&1 || status=$?
	verdict "$1" $status
}

scripts/musl -l
programs=()
for file in tests/unit/unit_*.c; do programs+=("$build/tests/$(basename "$file" .c)"); done
scripts/musl -s -j"$(nproc)" O="$build" all "${programs[@]}" "$build"/tests/run_packets "$build"/selftests/{udptool,peer.bpf.o}
built=$build/wgxdp
[[ ! ${BREAK:-} ]] || built=${O:-build}/wgxdp
loader=$(readelf -p .interp "$built")
[[ $loader == */ld-musl-* ]] || { echo "FAIL: the program is loaded by $loader"; exit 1; }
"$built" --version
for program in "${programs[@]}"; do try "${program##*/}" timeout 900 "$program"; done
try packets env O="$build" tests/packet/packets.py -u
try firewall-dnat env O="$build" selftests/firewall/firewall-dnat.sh
tail -n 1 "$build/packets.log"
echo "$passed passed, $failed failed"
((!failed))
