#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Other traffic reaches the stack with the same bytes and in the same order as without wgxdp, in native, generic and
# tc mode. It is 370 frames of all kinds (traffic.py). An nftables rule copies each frame after all hooks of XDP and
# tc.
#
#                     mtu 9000                           .1 lan -- 192.168.1.0/24, 2001:db8:2::/64 -- .10 wg-end
#     client, mute -- 198.51.100.0/24 -- .1 wan firewall
#                     2001:db8:1::/64                       copy -- copied
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
cable firewall copy firewall copied
for end in client/uplink firewall/wan firewall/copy firewall/copied; do
	inside "${end%/*}" ip link set "${end#*/}" mtu 9000
done
inside firewall ethtool -K wan gro off > /dev/null # otherwise the stack gets merged frames
for end in client/uplink firewall/copy firewall/copied; do # these send nothing by themselves
	inside "${end%/*}" sysctl -qw "net.ipv6.conf.${end#*/}.disable_ipv6=1"
	inside "${end%/*}" ip link set "${end#*/}" arp off
	inside "${end%/*}" ip address flush dev "${end#*/}"
done
inside client ip link set uplink address 02:00:00:00:00:07
inside firewall ip link set wan address 02:00:00:00:00:01
inside firewall nft -f - << EOF
table netdev copies {
	chain ingress {
		type filter hook ingress device wan priority 0; policy accept;
		dup to "copy"
	}
}
EOF
frames=$(selftests/lib/traffic.py make "$work/frames.pcap")
count_arrivals wg-end honest "udp dport $port udp sport 4001"

# FILE: sends the frames, and writes what comes out
pass_through() {
	local catcher
	start firewall selftests/lib/traffic.py catch copy "$1" > "$1.log"
	catcher=$!
	wait_for 5 'the catcher' grep -q catching "$1.log"
	expect "$(basename "$1" .pcap): frames sent" "$(inside client selftests/lib/traffic.py send "$work/frames.pcap" uplink)" == "$frames"
	stop "$catcher"
}

same() { # FILE MODE
	expect "$2: frames that reached the stack" "$(tail -n 1 "$1.log")" == "$frames"
	cmp "$work/without.pcap" "$1" || fail "$2: other bytes, or another order"
	say "ok $2: $(sha256sum < "$1" | cut -c 1-16)"
}

pass_through "$work/without.pcap"
cmp "$work/frames.pcap" "$work/without.pcap" || fail 'without wgxdp: not what was sent'
same "$work/without.pcap" without
for mode in native generic tc; do
	wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode $mode
	expect "$mode: mode of wan" "$(shown get interfaces.wan.mode)" == $mode
	pass_through "$work/$mode.pcap"
	same "$work/$mode.pcap" $mode
	expect "$mode: forwarded" "$(shown all original forwarded)" == 0
	expect_sums
	inside client "$udptool" send -n 10 uplink 02:00:00:00:00:01 198.51.100.7:4001 198.51.100.1:$port
	expect "$mode: of ten honest packets carried" "$(arrived wg-end honest)" == 10
	inside wg-end nft reset counters > /dev/null
	wgxdp down
done
