#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# alone
# Two CPUs that use the same entries of a table, 100 million times each, read no torn entry, and the limits hold
# ($OPERATIONS).
#
# Fragments: they come from about 250 datagrams whose entries all belong in the same 16 buckets, with 128 places. A timer
# interrupts readers, so that the other CPU rewrites an entry while it is read. No later fragment takes another
# datagram's ports or length, and at the end each entry is whole and exists once.
#
# Limits: each of 20 sources gets ten ICMP errors a second about an expired TTL, and no more.
#
# Another compiler: CLANG=clang-22 O=build/clang-22 scripts/test --long entries-hammer
#
# BREAK selects another BPF object. 1: writers do not check whether a tag exists once. 2: readers do not read the word
# again. 3: a limit's value is written without taking its place.
#
#     client  .7 ----- 198.51.100.0/24 ----- .1 wan firewall lan .1 ----- 192.168.1.0/24 ----- .10, .11 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

operations=${OPERATIONS:-100000000}

broken() {
	local file=learned.h from to
	case $BREAK in
	1) from='if (learned_count(a, tag0) + learned_count(b, tag1) == .*' to='if (learned_count(a, tag0) + learned_count(b, tag1) < 99 || same)' ;;
	2) file=learned_entry.h from='learned_same(word, read_once.*' to='(word | differs | seen) != 0;' ;;
	*) file=learned_entry.h from='return learned_cas(&b->line.word\[learned_index(w->place)\], was, w->word);' to='return true;' ;;
	esac
	git -C "$root" archive HEAD | tar -x -C "$work" --one-top-level=copy
	sed -i "s/$from\$/$to/" "$work/copy/bpf/$file"
	! diff -q "$root/bpf/$file" "$work/copy/bpf/$file" > /dev/null || fail "BREAK=$BREAK changes nothing in bpf/$file"
	make -s -C "$work/copy" -j2 O=build all > "$work/make" 2>&1 || fail "make: $(tail -n 3 "$work/make")"
	wgxdp=$work/copy/build/wgxdp
}

hammer() { # fragments|limit
	inside firewall "$build/selftests/entryhammer" "$1" /sys/fs/bpf/wgxdp/default "$(index firewall wan)" "$(mac firewall wan)" "$operations" \
		> "$work/$1"
	say "$(< "$work/$1")"
}

[[ $(nproc) -ge 2 ]] || fail 'one CPU'
[[ ! ${BREAK:-} ]] || broken
firewall_network
inside firewall sysctl -qw net.ipv4.icmp_msgs_per_sec=1000000 # the kernel's limit for all sources together
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: first
	    listen: { interface: wan, ports: [ 51820 ] }
	    backend: { ipv4: 192.168.1.10, port: 51820 }
	  - name: second
	    listen: { interface: wan, ports: [ 51821 ] }
	    backend: { ipv4: 192.168.1.11, port: 51821 }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
packets_by_test_run 10 11

hammer fragments
expect 'later fragments with what is not their datagram'"'"'s' "$(said fragments torn)" == 0
expect 'entries that are not whole, or stand twice' "$(said fragments wrong)" == 0
expect 'later fragments that found their first one' "$(said fragments found)" '>' $((operations / 100))
expect 'datagrams, for as many places as there are' "$(said fragments datagrams)" '>=' $(($(said fragments places) * 3 / 2))
expect 'entries' "$(said fragments entries)" '>' $(($(said fragments places) * 3 / 4))

hammer limit
tenths=$(awk '{print int($4 * 10)}' "$work/limit")
expect 'how often a source is told at most: twenty times at once, then ten times a second' "$(said limit most)" '<=' $((22 + tenths))
expect 'and at least: fifty at once are the limit of all together' "$(said limit least)" '>=' $((tenths * 9 / 10))
expect_sums
say "0 torn of $(said fragments found) later fragments found, $(said limit least) to $(said limit most) errors a source in $((tenths / 10)) s"
