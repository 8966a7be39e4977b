#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# alone
# Two CPUs use the same flows, with 100 million packets each ($OPERATIONS). 200 clients keep their flows and ports all
# the time, and each answer reaches its client. Meanwhile 3,000 clients come and go, and their flows give way to each
# other in a full pool. No packet leaves with parts of two flows, no client on both CPUs gets two ports, and at the end
# the table is whole. BREAK=1: another BPF object, whose writers do not check whether a tag exists once.
#
#     client  .7 ----- 198.51.100.0/24 ----- .1 wan firewall lan .1 ----- 192.168.1.0/24 ----- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

operations=${OPERATIONS:-100000000}

without_counts() {
	git -C "$root" archive HEAD | tar -x -C "$work" --one-top-level=copy
	sed -i 's/^	if (learned_count(a, tag0) + learned_count(b, tag1) == .*$/	if (learned_count(a, tag0) + learned_count(b, tag1) < 99 || same)/' \
		"$work/copy/bpf/learned.h"
	sed -i 's/^	if (learned_count(.*) != want) {$/	if (want > 2) {/' "$work/copy/bpf/flow/port.h"
	[[ $(cat "$work"/copy/bpf/{learned,flow/port}.h | grep -cE 'tag1[)] < 99|if [(]want > 2[)]') == 2 ]] ||
		fail 'bpf/ counts tags in another way by now'
	make -s -C "$work/copy" -j2 all > "$work/make" 2>&1 || fail "make: $(tail -n 3 "$work/make")"
	wgxdp=$work/copy/build/wgxdp
}

[[ $(nproc) -ge 2 ]] || fail 'one CPU'
[[ ! ${BREAK:-} ]] || without_counts
firewall_network
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: hammer
	    listen: { interface: wan, ports: [ $port ] }
	    backend: { ipv4: 192.168.1.10, port: $port }
	    nat: masquerade
	    flows: { max: 250, share: 1, ports: 20000-20399 }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
packets_by_test_run 10
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
