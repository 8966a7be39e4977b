#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Sites on NICs of every kind reach each other, with packets of 100 bytes and jumbo packets, in native, generic and tc
# mode. Packets that the kernel would forward are dropped and counted: there are none. A kernel without VLANs uses plain
# NICs instead. BREAK=1 leaves one site out of the peers.
#
#     a on VLAN 10 of trunk ─┐
#     b on VLAN 20 of trunk ─┤
#     c on a port of bridge ─┤ relay       fd12:3456:789a:X::/64 each, the relay's ::1, the host's ::10
#     d on a plain nic ──────┘
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

on=relay
sites=(a b c d)
link_of=([0]=trunk.10 [1]=trunk.20 [2]=bridge [3]=plain)
overlay=fd12:3456:789a
n=50 # questions of each site to each, of each size

namespaces relay "${sites[@]}"
routers relay
ends=('relay port' 'c eth' 'relay plain' 'd eth')
cable relay port c eth
cable relay plain d eth
if has_vlans; then
	cable relay trunk a trunk
	ends+=('relay trunk' 'a trunk')
else
	say 'no VLANs here'
	cable relay trunk.10 a eth
	cable relay trunk.20 b eth
	ends+=('relay trunk.10' 'a eth' 'relay trunk.20' 'b eth')
fi
for end in "${ends[@]}"; do
	read -r ns device <<< "$end"
	tags_in_frames "$ns" "$device"
	inside "$ns" ip link set "$device" mtu 9000
	[[ $ns == relay ]] || takes_xdp "$ns" "$device"
done
if has_vlans; then
	tagged relay trunk trunk.10 10
	tagged relay trunk trunk.20 20
	tagged a trunk eth 10
	tagged a trunk to-b 20
	inside a ip link set to-b netns b
	inside b ip link set to-b name eth
fi
inside relay ip link add name bridge mtu 9000 type bridge
inside relay ip link set port master bridge
peers=''
for i in "${!sites[@]}"; do
	site=${sites[i]}
	inside relay ip link set "${link_of[i]}" up
	inside "$site" ip link set eth up
	addresses relay "${link_of[i]}" "$overlay:$site::1/64"
	addresses "$site" eth "$overlay:$site::10/64"
	gateways "$site" "$overlay:$site::1"
	[[ ${BREAK:-} && $site == c ]] || peers+="  - { name: site-$site, device: ${link_of[i]}, prefixes: [ \"$overlay:$site::/64\" ] }"$'\n'
	start_listener "$site" "received-$site" -e "[$overlay:$site::10]:58001"
done
inside relay nft -f - <<- EOF
	table inet shut {
		counter overlay { }
		chain forward { type filter hook forward priority 0; policy drop; ip6 saddr $overlay::/48 counter name overlay; }
	}
EOF
cat > "$work/wgxdp.yaml" <<- EOF
	peers:
	$peers
	policy: { overlay: "$overlay::/48" }
EOF

forwarded() { wgxdp show peers --json | /usr/bin/python3 -IS -c 'import json, sys
print(sum(p["rx"]["forwarded"] for p in json.load(sys.stdin)["peers"]))'; }

for mode in native generic tc; do
	wgxdp up --mode $mode -c "$work/wgxdp.yaml" > "$work/up" || fail "$mode: up: $(< "$work/up")"
	for size in 100 8000; do
		for from in "${sites[@]}"; do
			for to in "${sites[@]}"; do
				[[ $from != "$to" ]] || continue
				inside "$from" "$udptool" ask -n $n -r 5000 -s $size "[$overlay:$from::10]:58002" "[$overlay:$to::10]:58001" > "$work/asked" || :
				[[ $(said asked answered) == "$n" ]] || fail "$mode: $size bytes from $from to $to: $(< "$work/asked"); $(wgxdp show drops)"
			done
		done
		say "ok $mode: 12 pairs, $n questions of $size bytes each, all answered"
	done
	expect "$mode: forwarded, no less than" "$(forwarded)" '>=' $((2 * 12 * 2 * n))
	expect "$mode: seen by the kernel" "$(inside relay nft list counter inet shut overlay | awk '$1 == "packets" {print $2}')" == 0
	expect_sums
	wgxdp down > /dev/null
done
