#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# alone
# Two CPUs on the same flows, 100 million packets each ($OPERATIONS): 4,000 clients keep their flows and ports all the time, and each
# answer reaches its client. Beside them 60,000 clients come and go, whose flows give way to each other, in a pool and a table that they
# fill. No packet leaves with parts of two flows, and at the end the table is whole. BREAK=1: another BPF object, whose readers do not
# look at a place's word again.
#
#     client  .7 ----- 198.51.100.0/24 ----- .1 wan firewall lan .1 ----- 192.168.1.0/24 ----- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

operations=${OPERATIONS:-100000000}

without_second_look() {
	local find=$work/copy/bpf/flow/find.h
	git -C "$root" archive HEAD | tar -x -C "$work" --one-top-level=copy
	sed -i 's/^	return !differs &&$/	return !differs \&\& seen;/; /^	       learned_same(word, read_once(/d' "$find"
	grep -q '^	return !differs && seen;$' "$find" || fail 'flow_read() is another one by now'
	make -s -C "$work/copy" -j2 all > "$work/make" 2>&1 || fail "make: $(tail -n 3 "$work/make")"
	wgxdp=$work/copy/build/wgxdp
}

[[ $(nproc) -ge 2 ]] || fail 'one CPU'
[[ ! ${BREAK:-} ]] || without_second_look
firewall_network
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: hammer
	    listen: { interface: wan, ports: [ $port ] }
	    backend: { ipv4: 192.168.1.10, port: $port }
	    nat: masquerade
	    flows: { max: 5000, share: 1, ports: 20000-27999 }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
inside firewall ip neigh replace 198.51.100.7 lladdr "$(mac client uplink)" nud permanent dev wan
inside firewall ip neigh replace 192.168.1.10 lladdr "$(mac wg-end eth)" nud permanent dev lan
inside firewall "$build/selftests/flowhammer" /sys/fs/bpf/wgxdp/default "$(index firewall wan)" "$(index firewall lan)" \
	"$(mac firewall wan)" "$(mac firewall lan)" "$operations" > "$work/hammer"
say "$(< "$work/hammer")"
"$build/selftests/flowtable" /sys/fs/bpf/wgxdp/default > "$work/table"
say "$(< "$work/table")"
expect 'packets that left with parts of two flows' "$(said hammer torn)" == 0
expect 'of clients that keep their flows: packets with another port, answers that did not come' "$(said hammer lost)" == 0
expect 'newcomers that got a port' "$(said hammer newcomers)" -gt $((operations / 1000))
expect 'answers to them' "$(said hammer answers)" -gt $((operations / 1000))
expect 'what is wrong in the table' "$(said table wrong)" == 0
expect_sums
say "0 torn, 0 lost of $(said hammer operations) packets by two CPUs, $(said hammer newcomers) of newcomers"
