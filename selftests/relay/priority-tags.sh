#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# A host tags its frames with a priority and no VLAN (802.1Q, id 0). The kernel takes such frames for untagged, so wgxdp
# does too: the relay's policy refuses a port, and allowed packets reach the other site. In native, generic and tc mode,
# on a relay whose own firewall forwards everything. BREAK=1 has no policy for the port, so that it is not refused.
#
#     a eth -- la  relay  lb -- eth b
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

on=relay
overlay=fd12:3456:789a
namespaces relay a b
routers relay
sites_on_nics a b
for site in a b; do inside $site ping -q -c 1 -W 5 "$overlay:$site::1" > /dev/null; done
cat > "$work/wgxdp.yaml" <<- EOF
	peers:
	  - { name: a, device: la, prefixes: [ "$overlay:a::/64" ] }
	  - { name: b, device: lb, prefixes: [ "$overlay:b::/64" ] }
	policy: { overlay: "$overlay::/48", udp-ports: [ 58001${BREAK:+, 1234} ], reject: drop }
EOF
count_arrivals b refused 'udp dport 1234'
count_arrivals b allowed 'udp dport 58001'

send() { # DPORT: ten tagged packets from a to b
	inside a /usr/bin/python3 - "$(mac relay la)" "$overlay:a::10" "$overlay:b::10" "$1" <<- 'EOF'
		import sys
		from scapy.all import UDP, Dot1Q, Ether, IPv6, Raw, sendp
		mac, source, to, port = sys.argv[1:]
		sendp(Ether(dst=mac) / Dot1Q(vlan=0, prio=5) / IPv6(src=source, dst=to) / UDP(sport=58002, dport=int(port)) / Raw(b"x" * 100),
		      iface="eth", count=10, verbose=False)
	EOF
}
peer() { wgxdp show peers --json | /usr/bin/python3 -IS -c 'import json, sys
print(*(p["rx"][sys.argv[1]] for p in json.load(sys.stdin)["peers"] if p["name"] == "a"))' "$1"; }

for mode in native generic tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" || fail "$mode: up: $(< "$work/up")"
	before=$(arrived b allowed) refused=$(arrived b refused)
	send 1234
	send 58001
	wait_for 5 "$mode: packets to an allowed port" eval "((\$(arrived b allowed) == $before + 10))"
	expect "$mode: to a refused port" $(($(arrived b refused) - refused)) == 0
	expect "$mode: forwarded" "$(peer forwarded)" == 10
	expect "$mode: dropped" "$(peer dropped)" == 10
	wgxdp down > /dev/null
done
