#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# alone
# Two CPUs that use the same flows, 100 million times each, send no packet of two flows and give no port twice
# ($OPERATIONS). 200 clients keep their flows and ports all the time, and each answer reaches its client. Meanwhile
# 3,000 clients come and go, and their flows give way to each other in a full pool. A timer interrupts readers, so
# that the other CPU rewrites a flow while it is read. No packet leaves with parts of two flows, no client on both
# CPUs gets two ports, and at the end the table is whole.
#
# BREAK selects another BPF object. 1: writers do not check whether a tag exists once. 2: readers do not read the word
# again. Another compiler: CLANG=clang-22 O=build/clang-22 scripts/test --long masquerade-hammer
#
#     client  .7 ----- 198.51.100.0/24 ----- .1 wan firewall lan .1 ----- 192.168.1.0/24 ----- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

operations=${OPERATIONS:-100000000}

broken() {
	git -C "$root" archive HEAD | tar -x -C "$work" --one-top-level=copy
	case $BREAK in
	1)
		seed learned.h 's/^	if (learned_count(a, tag0) + learned_count(b, tag1) == .*$/	if (learned_count(a, tag0) + learned_count(b, tag1) < 99 || same)/'
		seed flow/port.h 's/^	if (learned_count(.*) != want) {$/	if (want > 2) {/'
		;;
	*) seed flow/find.h 's/learned_same(word, read_once.*/(word | differs | seen) != 0;/' ;;
	esac
	make -s -C "$work/copy" -j2 O=build all > "$work/make" 2>&1 || fail "make: $(tail -n 3 "$work/make")"
	wgxdp=$work/copy/build/wgxdp
}
seed() { # FILE SCRIPT: seeds a bug into a file of bpf/, by a script of sed
	sed -i "$2" "$work/copy/bpf/$1"
	! diff -q "$root/bpf/$1" "$work/copy/bpf/$1" > /dev/null || fail "BREAK=$BREAK changes nothing in bpf/$1"
}

[[ $(nproc) -ge 2 ]] || fail 'one CPU'
[[ ! ${BREAK:-} ]] || broken
firewall_network
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: hammer
	    listen: { interface: wan, ports: [ $port ] }
	    backend: { ipv4: 192.168.1.10, port: $port }
	    nat: masquerade
	    flows: { max: 125, share: 1, ports: 20000-20399 }
	  - name: second
	    listen: { interface: wan, ports: [ $((port + 1)) ] }
	    backend: { ipv4: 192.168.1.11, port: $port }
	    nat: masquerade
	    flows: { max: 125, share: 1, ports: 20000-20399 }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
packets_by_test_run 10 11
inside firewall "$build/selftests/flowhammer" /sys/fs/bpf/wgxdp/default "$(index firewall wan)" "$(index firewall lan)" \
	"$(mac firewall wan)" "$(mac firewall lan)" "$operations" > "$work/hammer"
say "$(< "$work/hammer")"
"$build/selftests/flowtable" /sys/fs/bpf/wgxdp/default > "$work/table"
say "$(< "$work/table")"
expect 'clients that keep their flows' "$(said hammer kept)" '>=' 195
expect 'packets that left with parts of two flows, or as two flows of one client' "$(said hammer torn)" == 0
expect 'clients with lasting flows: packets with another port, missing answers' "$(said hammer lost)" == 0
expect 'newcomers that got a port' "$(said hammer newcomers)" '>' $((operations / 1000))
expect 'answers to them' "$(said hammer answers)" '>' $((operations / 1000))
expect 'errors in the table' "$(said table wrong)" == 0
expect_sums
say "0 torn, 0 lost of $(said hammer operations) packets by two CPUs, $(said hammer newcomers) of newcomers"
