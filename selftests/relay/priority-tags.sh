#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Frames with a priority tag and no VLAN (802.1Q, id 0) are treated as untagged ones, by policy and services. A host
# tags its frames with a priority and no VLAN (802.1Q, id 0). The kernel takes such frames for untagged, so wgxdp does
# too: the relay's policy refuses a port, and allowed packets reach the other site. A service of the firewall gets
# such packets, and its backend gets them without the tag. In native, generic and tc mode, on a relay whose own
# firewall forwards everything. BREAK=1 has no policy for the port, so that it is not refused.
#
#     a eth -- la  relay  lb -- eth b         client uplink -- wan firewall lan -- eth wg-end
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

send() { # NAMESPACE DEVICE MAC FROM TO DPORT: ten tagged packets
	inside "$1" env PYTHONPATH=selftests/lib PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "${@:2}" <<- 'EOF'
		import sys
		from scapy_few import IP, UDP, Dot1Q, Ether, IPv6, Raw, sendp
		device, mac, source, to, port = sys.argv[1:]
		ip = IPv6 if ":" in to else IP
		sendp(Ether(dst=mac) / Dot1Q(vlan=0, prio=5) / ip(src=source, dst=to) / UDP(sport=58002, dport=int(port)) / Raw(b"x" * 100),
		      iface=device, count=10, verbose=False)
	EOF
}
between_sites() { send a eth "$(mac relay la)" "$overlay:a::10" "$overlay:b::10" "$1"; } # DPORT
peer() { wgxdp show peers --json | /usr/bin/python3 -IS -c 'import json, sys
print(*(p["rx"][sys.argv[1]] for p in json.load(sys.stdin)["peers"] if p["name"] == "a"))' "$1"; }

for mode in native generic tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" || fail "$mode: up: $(< "$work/up")"
	before=$(arrived b allowed) refused=$(arrived b refused)
	between_sites 1234
	between_sites 58001
	wait_for 5 "$mode: packets to an allowed port" eval "((\$(arrived b allowed) == $before + 10))"
	expect "$mode: to a refused port" $(($(arrived b refused) - refused)) == 0
	expect "$mode: forwarded" "$(peer forwarded)" == 10
	expect "$mode: dropped" "$(peer dropped)" == 10
	wgxdp down > /dev/null
done

on=firewall
firewall_network
inside firewall ping -q -c 1 -W 5 192.168.1.10 > /dev/null
inside wg-end ethtool -K eth rxvlan off > /dev/null # so that a tag stays in the frame
inside wg-end nft -f - <<- EOF
	table netdev arrivals {
		counter untagged { }
		chain ingress { type filter hook ingress device eth priority 0; ether type ip udp dport $port counter name untagged; }
	}
EOF
untagged() { inside wg-end nft list counter netdev arrivals untagged | awk '$1 == "packets" {print $2}'; }
service_file dnat
for mode in native generic tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" || fail "$mode: up: $(< "$work/up")"
	before=$(untagged)
	send client uplink "$(mac firewall wan)" 198.51.100.7 198.51.100.1 "$port"
	wait_for 5 "$mode: packets at the backend" eval "((\$(untagged) == $before + 10))"
	expect "$mode: forwarded by the service" "$(shown all original forwarded)" == 10
	wgxdp down > /dev/null
done
