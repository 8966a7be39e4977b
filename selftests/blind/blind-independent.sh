#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# alone
# When one of two independent blind relays dies, all sites talk again through the other one within 20 s, and its return
# disturbs no site. The relays have one key and the same peers, and know nothing of each other. Every edge has
# `endpoints` with `within` and `together`. All pairs of sites ping each other 20 times a second:
# - r1 loses its power: all edges change to r2 with all peers, and begin new sessions
# - r1 comes back without its file of sites (docs/guides/relays.md): all edges stay at r2, and nothing is lost
#
# BREAK=1 leaves out `together`: then the peers for other sites stay at r1.
#
#     s1 … sN  10.7.1.2 … ------- internet .254 ---+--- 198.51.100.1 r1
#              2001:db8:7:1::2 …      br0          +--- 198.51.100.2 r2
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
sites=${SITES:-6}

relay_address() { if (($2 == 4)); then echo 198.51.100.1; else echo 2001:db8::1; fi; } # SITE 4|6

relay_addresses() { # RELAY
	addresses "$1" eth0 "198.51.100.${1#r}/24" "2001:db8::${1#r}/64"
	gateways "$1" 198.51.100.254 2001:db8::fe
}
relay_host() { # RELAY
	namespaces "$1"
	routers "$1"
	cable "$1" eth0 internet "$1"
	inside internet ip link set "$1" master br0
	takes_xdp internet "$1"
	relay_addresses "$1"
	echo "blind: { listen: { interface: eth0, port: $port }, device: wgr-$1 }" > "$work/$1.yaml"
}
relay_begins() { # RELAY
	relay_wireguard "$1"
	daemon_begins "$1"
	wait_for 30 "the daemon of $1" daemon_says "$1" 'the daemon follows changes'
}
edge_begins() { # SITE
	local name=relays together=', together: true'
	! site_uses_ipv6 "$1" || name=relays6
	[[ ! ${BREAK:-} ]] || together=''
	echo "endpoints: [ { interface: wgs$1, peer: \"$(key relay)\", host: $name.example.net, port: $port, within: 5s$together } ]" > "$work/s$1.yaml"
	daemon_begins "s$1"
}

# Like a power cut: the host sends no farewell
dies() { # RELAY
	inside "$1" ip link set eth0 down
	kill -KILL "${daemons[$1]}"
	wait "${daemons[$1]}" 2> /dev/null || :
	inside "$1" "$wgxdp" --instance "$1" down > /dev/null
	inside "$1" ip link del "wgr-$1"
}

at_r2() { # all peers of all edges are
	local i
	for ((i = 1; i <= sites; i++)); do
		! inside "s$i" wg show "wgs$i" endpoints | holds -vE '\s(198\.51\.100\.2|\[2001:db8::2\]):' || return
	done
}
phase() { # NAME RELAY: a phase of gaps.py begins
	local i places=''
	for ((i = 1; i <= sites; i++)); do places+=" $i:1"; done
	echo "$1 $2 $(date +%s.%N)$places" >> "$work/phases"
}

choose_wireguard
internet_with_bridge
printf '%s\n' 'relays.example.net 5 198.51.100.1 198.51.100.2' 'relays6.example.net 5 2001:db8::1 2001:db8::2' > "$work/zone"
start internet "$root/selftests/lib/dns.py" 198.51.100.254 "$work/zone" > "$work/dns"
wait_for 5 'the name server listens' grep -q listening "$work/dns"
echo 'nameserver 198.51.100.254' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
for r in r1 r2; do relay_host $r; done
for ((i = 1; i <= sites; i++)); do site_host $i; done
for ((i = 1; i <= sites; i++)); do site_peers $i; done
for r in r1 r2; do relay_begins $r; done
wait_for 30 'r1 knows all sites' knows_sites r1
for ((i = 1; i <= sites; i++)); do edge_begins $i; done
first_pings

phase steady 0
pings_begin
sleep 8 # edges must have heard a ping's answer from the relay
handshakes > "$work/before"
phase goes 1
dies r1
wait_for 30 'all edges are at r2 with all peers' at_r2
wait_for 30 'answers for every pair' all_answer
sleep 1
phase steady 0
expect 'pairs without a new handshake, in percent' "$(same_handshakes "$work/before")" '<=' 5

inside r1 ip link set eth0 up
relay_addresses r1 2> /dev/null || :
rm "$STATE_DIRECTORY/r1/blind"
relay_begins r1
for ((n = 0; n < 20; n++)); do at_r2 || fail 'r1 has drawn an edge back'; nap 0.5; done
say 'ok r1 came back: all edges stay at r2'
pings_end
# wireguard-go drops packets while the machine gives it no time
"$root/selftests/lib/gaps.py" "$work" 20 "$([[ $WGXDP_WG == kernel ]] && echo 0 || echo 100)" || fail 'pairs were interrupted'
