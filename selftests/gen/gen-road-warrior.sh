#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# vm
# Scenario R works from generated files: wgxdp follows each change of the road warrior's NAT, and transfers pass in
# both directions. The NAT of router R1 changes address and port at will. R1's LAN has IPv6 of R2's prefix by SLAAC,
# through the tunnel, and IPv4 by the NAT nearby. R2's own rules accept only answers, so its WireGuard cannot follow
# R1. wgxdp follows each change. The test checks the addresses that the internet sees, large transfers in both
# directions, incoming connections, and a knock through the NAT. BREAK=1 runs no daemon of wgxdp.
#
#     pc eth -- br-lan r1 wan -- nat -- 198.51.100.0/24 -- net -- 203.0.113.7/24 -- eth0 r2 eth1 -- nas
#     2001:db8:abcd:5::/64               .4 … .13           |     2001:db8:0:1::7/64        2001:db8:abcd:1::/64
#     192.168.9.0/24                                        '---- web 192.0.3.80, 2001:db8:80::80
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/hosts.sh"
uplink=wan wan=eth0 r2_address=203.0.113.7
source "$root/selftests/lib/warrior.sh"

size=$((8 << 20)) # bytes of each transfer
prefix=2001:db8:abcd:5

around() { # the other hosts in R1's LAN and in the internet
	namespaces pc web nas
	cable pc eth r1 lan0
	inside r1 ip link add br-lan type bridge
	inside r1 ip link set lan0 master br-lan
	inside r1 ip link set br-lan up
	addresses r1 br-lan 192.168.9.1/24
	addresses pc eth 192.168.9.20/24
	gateways pc 192.168.9.1
	cable web eth net web
	addresses web eth 192.0.3.80/24 2001:db8:80::80/64
	addresses net web 192.0.3.1/24 2001:db8:80::1/64
	gateways web 192.0.3.1 2001:db8:80::1
	addresses net home 2001:db8:0:1::ffff/64
	addresses r2 eth0 2001:db8:0:1::7/64
	gateways r2 2001:db8:0:1::ffff
	inside net ip route add 2001:db8:abcd::/48 via 2001:db8:0:1::7
	cable r2 eth1 nas eth
	addresses r2 eth1 2001:db8:abcd:1::1/64
	addresses nas eth 2001:db8:abcd:1::10/64
	gateways nas 2001:db8:abcd:1::1
	start nas "$root/selftests/lib/web.py" 80 nas
	start web "$root/selftests/lib/web.py" 80 web
	start pc "$root/selftests/lib/web.py" 80 pc
	inside r2 nft -f - <<- EOF
		table inet old { chain input { type filter hook input priority -10;
			iifname eth0 ct state established,related accept
			iifname eth0 udp dport 51820 drop
		}; }
	EOF
}

endpoint() { at r2 wg show wg0 endpoints | awk '{print $2}'; }
online() { inside pc ping -q -c 1 -W 1 2001:db8:80::80; }
page() { inside pc curl -gs -m 5 "http://$1/" || :; }
moved() { [[ $(endpoint) == "$1" ]]; }
slaac() { inside pc ip -6 -o address show dev eth scope global | holds "inet6 $prefix:"; }
knocked() { at r2 grep -qE "^$1 190[0-9][0-9]" /run/wgxdp/default/knocked; }
knock_arrives() { inside pc "$wgxdp" knock send -p 19000 $r2_address; knocked "$1"; }

hosts r1 r2
warrior_wires
around
generated road-warrior 's/openwrt: true /openwrt: false/'
names_of road-warrior > "$work/names"
start web "$root/selftests/lib/dns.py" 192.0.3.80 "$work/names" > "$work/dns"
wait_for 5 'the name server' grep -q listening "$work/dns"
at r1 sh -c 'echo nameserver 192.0.3.80 > /etc/resolv.conf'
for host in r2 r1; do
	installs $host "$work/road-warrior/$host"
	boots $host
done
[[ ${BREAK:-} ]] || follows r2
start_at r1 radvd -n -C /etc/radvd.conf -p "$work/radvd.pid" -m stderr 2> "$work/radvd"
wait_for 10 'the pc has an address by SLAAC' slaac
wait_for 30 'the pc is online by IPv6' online
pc=$(inside pc ip -6 -o address show dev eth scope global | awk '{sub("/.*", "", $4); print $4; exit}')
longest=0

for ((n = 5; n < 8; n++)); do
	say "--- the NAT changes to 198.51.100.$n, port 2000$n"
	nat_is "198.51.100.$n" "2000$n"
	began=$(ms)
	wait_for 30 'the pc is online again' online
	took=$(($(ms) - began))
	((took <= longest)) || longest=$took
	say "back after $took ms"
	expect 'R2 sees R1 at' "$(endpoint)" == "198.51.100.$n:2000$n"
	expect 'the web over IPv6' "$(page '[2001:db8:80::80]')" == "web sees $pc"
	expect 'the web over IPv4, by the NAT nearby' "$(page 192.0.3.80)" == "web sees 198.51.100.$n"
done
expect 'bytes of a large page' "$(inside pc curl -gs -m 60 "http://[2001:db8:80::80]/$size" | wc -c)" == $size
head -c $size /dev/urandom > "$work/file"
expect 'bytes of a large upload' "$(inside pc curl -gs -m 60 --data-binary "@$work/file" -H Expect: 'http://[2001:db8:80::80]/')" == $size
expect 'from the pc to home' "$(page '[2001:db8:abcd:1::10]')" == "nas sees $pc"
expect 'from home to the pc' "$(inside nas curl -gs -m 5 "http://[$pc]/" || :)" == 'pc sees 2001:db8:abcd:1::10'
expect 'from the internet to the pc' "$(inside web curl -gs -m 1 "http://[$pc]/" || :)" == ''
wait_for 15 'a knock' knock_arrives 198.51.100.7
say 'ok a knock was heard'
end_daemon
say "ok scenario R: 3 changes of R1's address and port, each followed within $longest ms"
