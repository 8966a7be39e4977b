#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# The commands of docs/guides/road-warrior.md work as they stand; r2's own rules let in only answers. BREAK=1 does not
# start wgxdp, and must fail.
#
#     br-lan r1 wan -- nat -- 198.51.100.0/24 -- net -- 203.0.113.0/24 -- eth0 r2 eth1 -- home
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"
uplink=wan wan=eth0 r2_address=203.0.113.7
source "$root/selftests/lib/warrior.sh"

start_hosts admin r1 r2
warrior_wires
namespaces lan
cable r2 eth1 lan home
cable r1 lan0 lan away
addresses r2 eth1 192.168.1.1/24 2001:db8:abcd:1::1/64
inside r1 ip link add br-lan type bridge
inside r1 ip link set br-lan up
inside r1 ip link set lan0 master br-lan
inside r2 nft -f - << 'EOF'
	table inet old { chain input { type filter hook input priority -10;
		iifname eth0 ct state established,related accept
		iifname eth0 udp dport 51820 drop
	}; }
EOF
echo '203.0.113.7 r2.example.net' | at r1 tee -a /etc/hosts > /dev/null

follow_page guides/road-warrior admin r1 r2
