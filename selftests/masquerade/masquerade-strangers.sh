#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A third party cannot reach, change, create or end a flow, nor send a packet through one. It is outside or beside the
# backend, and knows all of the flow's addresses and ports except one, or sends from the wrong side, or forges ICMP
# errors. None of its packets reaches client or backend, and no flow is changed, created or ended, in all four pairs
# of families, in native and tc mode. Right packets pass, so nothing else stops them. BREAK=1 lets the third party be
# the backend.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

errors='icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem }'
errors6='icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }'

strangers() { # WHAT NAMESPACE DEVICE FIREWALL'S-DEVICE
	inside "$2" "$root/selftests/lib/strangers.py" "$1" "$3" "$(mac firewall "$4")" < "$work/flows" > "$work/sent"
}
came() { echo $(($(arrived wg-end any) + $(arrived client any))); }
settled() { now=$(came) && sleep 0.2 && [[ $(came) == "$now" ]]; }
who() { # prints flows without times and counters
	wgxdp show flows --json | /usr/bin/python3 -IS -c '
import json, sys
for f in json.load(sys.stdin)["flows"]: print(*(f[k] for k in ("service", "client", "public", "ours", "backend")))'
}
entries() { "$build/selftests/flowtable" /sys/fs/bpf/wgxdp/default; }
numbers() { wgxdp show metrics | awk '/^wgxdp_flows_/ && !/refused/'; }

try() { # MODE
	local side before sent=0
	wgxdp up --mode "$1" -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	for to in 198.51.100.1 '[2001:db8:1::1]'; do
		for service in 51820 51821; do
			from=198.51.100.7
			[[ $to != *:* ]] || from='[2001:db8:1::7]'
			inside client "$udptool" ask -n 3 -r 1000 "$from:4000" "$to:$service" > "$work/asked"
			expect "$1: answers of $to:$service" "$(said asked answered)" == 3
		done
	done
	wgxdp show flows --json > "$work/flows"
	who > "$work/who" && numbers > "$work/numbers"
	expect "$1: flows" "$(wc -l < "$work/who")" == 4
	before=$(came) now_entries=$(entries)
	for side in 'wan client uplink wan' 'lan wg-end eth lan'; do
		read -ra words <<< "$side"
		strangers "${words[@]}"
		sent=$((sent + $(said sent sent)))
	done
	[[ ! ${BREAK:-} ]] || strangers answers wg-end eth lan
	wait_for 5 'quiet' settled
	expect "$1: of $sent forged frames there came" $(($(came) - before)) == 0
	expect "$1: many" "$sent" '>=' 1000
	[[ $(who) == "$(< "$work/who")" ]] || fail "$1: other flows: $(who), not $(< "$work/who")"
	[[ $(numbers) == "$(< "$work/numbers")" ]] || fail "$1: flows were made or ended: $(diff <(numbers) "$work/numbers")"
	expect "$1: flows in the table" "$(entries)" == "$now_entries"
	before=$(arrived client any) && strangers answers wg-end eth lan && wait_for 5 'quiet' settled
	expect "$1: what is right" $(($(arrived client any) - before)) == 4
	before=$(arrived wg-end any) && strangers errors client uplink wan && wait_for 5 'quiet' settled
	expect "$1: right errors" $(($(arrived wg-end any) - before)) == 4
	expect_sums
	wgxdp down > /dev/null
}

firewall_network
inside firewall nft -f - <<- EOF # only wgxdp can forward
	table inet shut {
		chain forward { type filter hook forward priority 0; policy drop; }
		chain output { type filter hook output priority 0; policy accept; $errors drop; $errors6 drop; }
	}
EOF
quiet client wg-end
for ns in client wg-end; do
	inside $ns nft add rule inet quiet output icmpv6 type destination-unreachable drop
	count_arrivals $ns any udp dport != 0
	count_arrivals $ns any "$errors"
	count_arrivals $ns any "$errors6"
done
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - { name: four, listen: { interface: wan, ports: [ 51820 ] }, backend: { ipv4: 192.168.1.10, port: $port }, nat: masquerade, flows: { max: 1000 } }
	  - { name: six, listen: { interface: wan, ports: [ 51821 ] }, backend: { ipv6: "2001:db8:2::10", port: $port }, nat: masquerade, flows: { max: 1000 } }
EOF
start_listener wg-end received4 -e 192.168.1.10:$port
start_listener wg-end received6 -e "[2001:db8:2::10]:$port"
try native
try tc
