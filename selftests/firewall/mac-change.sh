#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# alone
# Without a process of wgxdp, traffic returns after wg-end's MAC has changed without notice, at most 5 s later than
# with the kernel's own forwarding. wg-end's MAC changes without notice under 1,000 packets a second, while no process
# of wgxdp runs, IPv4 and IPv6. Traffic is back within 15 s if the neighbour was STALE. If it was REACHABLE, traffic
# is back within 60 s, and at most 5 s later than with the kernel's own forwarding in an equal second network at the
# same time.
#
#      client  .7 -- 198.51.100.0/24 -- .1  firewall .1 -- 192.168.1.0/24 -- .10  wg-end     wgxdp
#     kclient  .7 -- 198.51.100.0/24 -- .1 kfirewall .1 -- 192.168.1.0/24 -- .10 kwg-end     the kernel alone
#                    2001:db8:1::/64                       2001:db8:2::/64
#
# The kernel draws a random time from 15 to 45 s for each device, for which it trusts a REACHABLE neighbour. The test
# waits until both networks have 40 to 41 s, so that they can be compared. The kernel draws again every 300 s, at one time
# for IPv4 and at another one for IPv6. So at most two of four rounds in a row are spoiled.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rate=1000
seconds=75 # seconds of traffic for a REACHABLE neighbour

trusted() { # FIREWALL TABLE: prints for how many ms a neighbour on its lan stays REACHABLE
	inside "$1" ip ntable show dev lan name "$2" | sed -n 's/.*[^_]reachable \([0-9]*\).*/\1/p'
}

draw() { # FIREWALL FAMILY TABLE
	local ms=0 tries
	for ((tries = 0; tries < 2000 && (ms < 40000 || ms > 40999); tries++)); do
		inside "$1" sysctl -qw "net.ipv$2.neigh.lan.base_reachable_time_ms=$((30000 + tries % 2))"
		ms=$(trusted "$1" "$3")
	done
	((tries < 2000)) || fail "no lot of 40 to 41 s in 2000"
	say "$1: an IPv$2 neighbour is trusted for $ms ms"
}

draw_all() {
	local network
	for network in '' k; do
		draw "${network}firewall" 4 arp_cache
		draw "${network}firewall" 6 ndisc_cache
	done
}

new_mac() { # PREFIX: changes wg-end's MAC, without an announcement
	mac_number=$((mac_number + 1))
	inside "$1wg-end" ip link set eth address "$(printf '02:00:00:00:01:%02x' $mac_number)"
}
mac_number=0

neighbours_are() { # PREFIX STATE: checks the kernel's state of wg-end
	local address
	for address in 192.168.1.10 2001:db8:2::10; do
		inside "$1firewall" ip neighbour change "$address" dev lan lladdr "$(mac "$1wg-end" eth)" nud "$2"
	done
}

in_state() { # PREFIX STATE
	[[ $(inside "$1firewall" ip neighbour show dev lan | grep -cE '^(192.168.1.10|2001:db8:2::10) .*'"$2") == 2 ]]
}

start_flow() { # PREFIX FAMILY SECONDS FROM TO WG-END
	start_listener "$1wg-end" "$1ipv$2" -g 300 "$6"
	listeners+=($!)
	start "$1client" "$udptool" send -n $((rate * $3)) -r $rate uplink "$(mac "$1firewall" wan)" "$4" "$5" > "$work/$1sent$2"
	senders+=($!)
}

start_traffic() { # PREFIX SECONDS: without wgxdp to wg-end's own IPv4 address
	local public=198.51.100.1
	[[ ! $1 ]] || public=192.168.1.10
	start_flow "$1" 4 "$2" 198.51.100.7:4000 "$public:$port" "192.168.1.10:$port"
	start_flow "$1" 6 "$2" "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port" "[2001:db8:2::10]:$port"
}

flows() { # PREFIX
	(($(arrived "$1wg-end" ipv4) > 200 && $(arrived "$1wg-end" ipv6) > 200))
}

end_traffic() {
	local pid
	for pid in "${senders[@]}"; do wait "$pid" || fail 'a sender failed'; done
	for pid in "${listeners[@]}"; do stop "$pid"; done
	senders=() listeners=()
}
senders=() listeners=()

silence() { # NAME: prints the longest in ms; 0: none
	awk '$1 == "silent" && $2 > longest {longest = $2} END {print longest + 0}' "$work/$1"
}

came_back() { # NAME SECONDS: checks that it did, within these seconds
	local lost
	lost=$(silence "$1")
	((lost > 300 && $(said "$1" received) > 1000)) || fail "$what, $1: the test saw no gap: $(< "$work/$1")"
	expect "$what, $1: ms until it was back" "$lost" '<=' $(($2 * 1000))
}

for network in '' k; do
	firewall_network "$network"
	count_arrivals "${network}wg-end" ipv4 "ip daddr 192.168.1.10 udp dport $port"
	count_arrivals "${network}wg-end" ipv6 "ip6 daddr 2001:db8:2::10 udp dport $port"
done
wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10"
expect 'mode of wan' "$(shown get interfaces.wan.mode)" == native
! pgrep -x wgxdp > /dev/null || fail 'a process of wgxdp is alive'

what=stale
start_traffic '' 25
wait_for 10 'traffic flows' flows ''
neighbours_are '' stale
new_mac ''
end_traffic
came_back ipv4 15
came_back ipv6 15

lots() { # whether both networks drew 40 to 41 s
	local network
	for network in '' k; do
		[[ $(trusted "${network}firewall" arp_cache) == 40??? && $(trusted "${network}firewall" ndisc_cache) == 40??? ]] ||
			return 1
	done
}

reachable() {
	local network
	start_traffic '' $seconds
	start_traffic k $seconds
	wait_for 10 'traffic flows' flows ''
	wait_for 10 'traffic flows' flows k
	for network in '' k; do neighbours_are "$network" reachable; done
	for network in '' k; do in_state "$network" REACHABLE || fail "$network: not REACHABLE"; done
	for network in '' k; do new_mac "$network"; done
	end_traffic
}

what=reachable
for ((round = 0; round < 4; round++)); do
	draw_all
	reachable
	! lots || break
	say 'the kernel has drawn new lots meanwhile: once more'
	for network in '' k; do inside "${network}wg-end" nft reset counters > /dev/null; done
done
((round < 4)) || fail 'the kernel drew new lots in each round'
for family in ipv4 ipv6; do
	came_back $family 60
	came_back k$family 60
	expect "$what, $family: ms later than the kernel alone" $(($(silence $family) - $(silence k$family))) '<=' 5000
done
! pgrep -x wgxdp > /dev/null || fail 'a process of wgxdp is alive'
expect_sums
