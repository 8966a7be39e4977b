#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 900
# vm
# Each packet leaves wgxdp's router by the same interface and to the same MAC as the kernel's own router, byte for
# byte, or not at all. Two routers have the same interfaces, rules and routes. One forwards by nftables' DNAT, the
# other by wgxdp. routing_parity.py makes sets of rules and routes from a seed (routing-parity.sh [SEED]), gives them
# to both routers, and sends both the same packets: originals of many clients, one right after the other, and replies.
# Each must leave by the same interface to the same MAC, byte by byte the same, or not at all. Replies by an interface
# that leads to no backend are not translated. In XDP, and in the long tier in tc too. BREAK=1 tells wgxdp of no change of the rules.
#
#     wan0, wan1 --- router --- lan0, lan1, lan2        VRF blue, where the kernel has VRFs: wan2 --- router --- lan3
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

seed=${1:-2}
vrf='' # wan2 and lan3 are in no VRF
! unshare --net ip link add blue type vrf table 500 2> /dev/null || vrf=yes
devices=(wan0 wan1 wan2 lan0 lan1 lan2 lan3)

# Device N has the addresses 10.N.0.1 and 2001:db8:N::1, and a gateway .2 behind it; MACs end in N:01 and N:02
router() { # NAME
	local n device
	namespaces "$1" "$1-ports"
	routers "$1"
	inside "$1" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
	! inside "$1" ip link add blue type vrf table 500 2> /dev/null || inside "$1" ip link set blue up
	for n in "${!devices[@]}"; do
		device=${devices[n]}
		cable "$1" "$device" "$1-ports" "${device}p"
		takes_xdp "$1-ports" "${device}p"
		inside "$1" ip link set "$device" address "02:00:00:00:0$n:01" addrgenmode none
		[[ ! $vrf || ($device != wan2 && $device != lan3) ]] || inside "$1" ip link set "$device" master blue
		addresses "$1" "$device" "10.$n.0.1/24" "2001:db8:$n::1/64"
		inside "$1" ip neigh replace "10.$n.0.2" lladdr "02:00:00:00:0$n:02" dev "$device" nud permanent
		inside "$1" ip neigh replace "2001:db8:$n::2" lladdr "02:00:00:00:0$n:02" dev "$device" nud permanent
		inside "$1-ports" ip link set "${device}p" addrgenmode none arp off
	done
}

router reference
router relay
inside reference nft -f - << EOF
table inet nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr { 10.0.0.1, 10.1.0.1 } udp dport $port dnat ip to 192.168.9.10:$port
		ip6 daddr { 2001:db8:0::1, 2001:db8:1::1 } udp dport $port dnat ip6 to [2001:db8:99::10]:$port
		ip daddr 10.2.0.1 udp dport $port dnat ip to 192.168.8.10:$port
		ip6 daddr 2001:db8:2::1 udp dport $port dnat ip6 to [2001:db8:98::10]:$port
	}
}
EOF
cat > "$work/wgxdp.yaml" << EOF
interfaces:
  - { name: wan0, role: wan }
  - { name: wan1, role: wan }
  - { name: wan2, role: wan }
  - { name: lan0, role: lan }
  - { name: lan1, role: lan }
  - { name: lan2, role: lan }
  - { name: lan3, role: lan }
services:
  - name: wg-end
    listen: { addresses: [ 10.0.0.1, 10.1.0.1, "2001:db8:0::1", "2001:db8:1::1" ], ports: [ $port ] }
    backend: { ipv4: 192.168.9.10, ipv6: "2001:db8:99::10", port: $port }
    ipv6: dnat
  - name: blue
    listen: { interface: wan2, ports: [ $port ] }
    backend: { ipv4: 192.168.8.10, ipv6: "2001:db8:98::10", port: $port }
    ipv6: dnat
EOF
modes=(native tc)
[[ ${WGXDP_TIER:-} != full ]] || modes=(native)
for mode in "${modes[@]}"; do
	VRF=$vrf "$root/selftests/lib/routing_parity.py" "$seed" $mode "$wgxdp" "$work/wgxdp.yaml" > "$work/parity" 2>&1 || fail "$mode: $(< "$work/parity")"
	say "ok $mode: $(tail -n 1 "$work/parity")"
	expect "$mode: packets" "$(said parity packets)" '>=' 2000
	expect "$mode: of them forwarded by the kernel" "$(said parity forwarded)" '>=' 1000
	expect "$mode: forged replies" "$(said parity forged)" '>=' 500
	expect "$mode: not forwarded" "$(said parity kept)" '>=' 50
	inside relay "$wgxdp" down > /dev/null
done
