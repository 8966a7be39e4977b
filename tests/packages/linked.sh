#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# The program and a build without optional parts (every WITH_…=0 of the Makefile) link only the libraries that a
# firewall needs. wgxdp opens all others when it needs them (user/lib/library.h), under the names in libraries.h.
# docs/guides/install.md names the same libraries. BREAK=1 links one more.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${O:-build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

# libelf and zlib are libbpf's, and named by the program only where the linker sees a use of its own
allowed='libbpf libxdp libelf libz libmnl libfyaml libuv libcares libc'

linked() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p'; }
check() { # WHAT PROGRAM
	local library
	[[ $(linked "$2" | wc -l) -ge 7 ]] || fail "$1 links hardly anything: $(linked "$2" | xargs)"
	for library in $(linked "$2"); do
		[[ " $allowed " == *" $library "* ]] || fail "$1 links $library: open it when it is needed, by user/lib/library.h"
	done
	echo "$1 links $(linked "$2" | xargs)"
}

mapfile -t without < <(sed -n 's/^\(WITH_[A-Z]*\) ?= 1$/\1=0/p' Makefile)
((${#without[@]} == 3)) || fail "the Makefile has ${#without[@]} switches"
mkdir -p "$work/build"
# Compiles only what names a switch, or a header that depends on one: the compiler sees the same in all other sources
cp -rp "$build"/{{wgxdp,tracing}.{bpf.o,linked.o,skel.h},bpf_compiler.h,page.h,keys.h,user} "$work/build"
{ printf '%s\n' "${without[@]%=0}" | grep -rlFf - user include && echo libraries.h; } > "$work/switched"
grep -rlFf "$work/switched" --include='*.d' "$work/build/user" > "$work/compiled"
(($(wc -l < "$work/compiled") >= 10)) || fail "only these sources depend on a switch: $(< "$work/compiled")"
sed 's/d$/o/' "$work/compiled" | xargs rm
find "$work/build/user" -name '*.d' -delete
make -s -j2 O="$work/build" CFLAGS=-O0 "${without[@]}" "$work/build/wgxdp" > "$work/log" 2>&1 || fail "without anything optional it does not build: $(tail "$work/log")"
if [[ ${BREAK:-} ]]; then
	cp -r "$build" "$work/broken"
	rm "$work/broken/wgxdp"
	make -s O="$work/broken" LDFLAGS='-Wl,--no-as-needed -lcrypto' "$work/broken/wgxdp" > "$work/log" 2>&1 || fail "$(tail "$work/log")"
	build=$work/broken
fi
check 'the program' "$build/wgxdp"
check 'without anything optional it' "$work/build/wgxdp"
"$work/build/wgxdp" --version | head -n 1 > "$work/version"
for word in libmicrohttpd libsodium generator; do
	grep -q "without.* $word" "$work/version" || fail "--version does not say that $word is left out: $(< "$work/version")"
done
status=0
"$work/build/wgxdp" gen hosts nothing.yaml -o "$work/hosts" > "$work/said" 2>&1 || status=$?
((status == 2)) || fail "gen, left out, ends with $status: $(< "$work/said")"
grep -q 'gen: this program was built without' "$work/said" || fail "gen, left out, says $(< "$work/said")"
"$work/build/wgxdp" --help > "$work/help"
grep -q '^  gen .*WITH_GEN=0' "$work/help" || fail '--help offers gen, which was left out'
! grep -aoE 'lib(microhttpd|sodium)[a-z]*\.so\.[0-9]+' "$work/build/wgxdp" || fail 'it would open what it was built without'
