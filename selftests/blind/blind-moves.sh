#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# A blind relay and its sites recover from moves and restarts: a site's move costs at most 5 packets and 0.5 s, and a
# killed daemon none. A blind relay and its sites recover while they send 20 packets a second:
# - a NAT forgets a site and gives it another port
# - the daemon is killed and restarts
# - the relay's own WireGuard is created again
# - the relay and its WireGuard are gone, and come back with the kept state
#
# BREAK=1 keeps the relay from challenging a site that may have moved: then the first change must take as long as a
# keepalive.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
blind_network a b

wg_restarts() { # the relay's own WireGuard: it has its peers, but no endpoint
	if [[ $WGXDP_WG == kernel ]]; then
		inside relay ip link del $relay
		inside relay ip link add $relay type wireguard
	else
		inside relay ip link del $relay
		wait_for 5 'wireguard-go ends' test ! -e "/var/run/wireguard/$relay.sock"
		inside relay wireguard-go $relay > "$work/$relay.log" 2>&1
	fi
	inside relay wg set $relay private-key "$work/$relay.key" listen-port "$port"
	inside relay ip address add "$tunnels::1/128" dev $relay
	inside relay ip link set $relay mtu 1420 up
	for s in a b c; do
		inside relay wg set $relay peer "$(key "wgb-$s")" allowed-ips "$tunnels::$s/128"
		inside relay ip route add "$tunnels::$s" dev $relay
	done
}

blind_file
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 3
ping_between a b -c 3 -i 0.2 -W 10 > /dev/null
ping_between a c -c 3 -i 0.2 -W 10 > /dev/null

for round in 1 2 3 4 5; do
	[[ ! ${BREAK:-} ]] || inside relay ip route del "$tunnels::a"
	pinging 60
	sleep 1
	before=$(endpoint_of a)
	inside nat-a conntrack -F 2> /dev/null
	pinged
	expect "round $round: site a, which was at $before, is at" "$(endpoint_of a)" != "$before"
	expect "round $round: pings lost while site a's NAT forgot it" "$lost" '<=' 5
	expect "round $round: the longest time without an answer, in s" "$gap" '<=' 0.5
done

pinging 100
sleep 1
kill -9 $daemon
wait $daemon || :
sleep 1
start_daemon -c "$work/wgxdp.yaml"
pinged
expect 'pings lost while the daemon was killed and came back' "$lost" == 0

# only the relay's own WireGuard, as by wg-quick: it has its peers again, but no endpoint
wg_restarts
again=$(elapsed)
handshakes() { inside relay wg show $relay latest-handshakes | awk '$2 > 0' | wc -l; }
all_again() { (($(handshakes) == 3)); }
wait_for 10 'all sites' all_again
expect "the relay's own WireGuard restarted: seconds until all sites are authenticated" "$(awk "BEGIN {print $(elapsed) - $again}")" '<=' "$(($(at_most 2500) / 1000))"
expect 'pings lost after that' "$(ping_between a b -c 20 -i 0.05 -W 5)" '<=' 2

pinging 400
sleep 1
wgxdp down
wait $daemon || :
wg_restarts
back=$(elapsed)
start_daemon -c "$work/wgxdp.yaml"
wait_for 10 'all sites' all_authenticated 3
authenticated=$(elapsed)
expect 'the whole relay restarted: seconds until all sites are authenticated' "$(awk "BEGIN {print $authenticated - $back}")" '<=' 2
pinged
expect 'seconds without data, from the end of the old one on' "$gap" '<=' 3
expect_sums
