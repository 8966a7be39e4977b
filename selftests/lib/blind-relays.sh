# shellcheck shell=bash disable=SC2154 # what lib.sh and the script have
# SPDX-License-Identifier: GPL-2.0-or-later
# Three blind relays, each with a third of the sites. Source lib.sh and blind-hosts.sh first. The streams between the relays
# go over a network of their own. The edge of each site runs wgxdp's daemon, which changes to another relay if the present
# one is silent.
#
#     internet ---+--- 198.51.100.1 r1 fd00:9::1 ---+--- sync
#                 +--- 198.51.100.2 r2 fd00:9::2 ---+
#                 +--- 198.51.100.3 r3 fd00:9::3 ---+
relay_of() { echo $((($1 - 1) % 3 + 1)); } # SITE: the relay at which it begins
address_of() { if (($2 == 4)); then echo "198.51.100.$1"; else echo "2001:db8::$1"; fi; } # RELAY 4|6
relay_address() { address_of "$(relay_of "$1")" "$2"; } # SITE 4|6

# Two relays reach each other over IPv6 if one of them is r3, otherwise over IPv4.
between() { if (($1 == 3 || $2 == 3)); then address_of "$2" 6; else address_of "$2" 4; fi; } # RELAY OTHER: prints the address of OTHER

relays_file() { # RELAY OPTION...: writes the configuration of wgxdp
	local n=${1#r} m
	{
		printf 'interfaces: [ { name: eth0, role: wan } ]\nblind:\n  listen: { interface: eth0, port: %s }\n  device: wgr-%s\n' "$port" "$1"
		printf '  %s\n' "${@:2}"
		echo '  relays:'
		for m in 1 2 3; do
			((m == n)) || echo "    - { address: \"$(between "$n" $m)\", local: \"fd00:9::$n\", peer: \"fd00:9::$m\" }"
		done
	} > "$work/$1.yaml"
}

relay_addresses() { # RELAY
	local n=${1#r}
	addresses "$1" eth0 "198.51.100.$n/24" "2001:db8::$n/64"
	addresses "$1" sync "fd00:9::$n/64"
	gateways "$1" 198.51.100.254 2001:db8::fe
}

relay_host() { # RELAY
	namespaces "$1"
	routers "$1"
	cable "$1" eth0 internet "$1"
	inside internet ip link set "$1" master br0
	takes_xdp internet "$1"
	cable "$1" sync sync "$1"
	inside sync ip link set "$1" master br0
	relay_addresses "$1"
	relays_file "$1"
}

# The edge of a site follows the name of the relays, with all its peers
edge_begins() { # SITE
	local name=relays
	! site_uses_ipv6 "$1" || name=relays6
	echo "endpoints: [ { interface: wgs$1, peer: \"$(key relay)\", host: $name.example.net, port: $port, within: 3s, together: true } ]" > "$work/s$1.yaml"
	daemon_begins "s$1"
}

relays_network() { # with $sites sites
	local i r
	choose_wireguard
	internet_with_bridge
	namespaces sync
	inside sync ip link add br0 type bridge
	inside sync ip link set br0 up
	printf '%s\n' 'relays.example.net 5 198.51.100.1 198.51.100.2 198.51.100.3' \
		'relays6.example.net 5 2001:db8::1 2001:db8::2 2001:db8::3' > "$work/zone"
	start internet "$root/selftests/lib/dns.py" 198.51.100.254 "$work/zone" > "$work/dns"
	wait_for 5 'the name server listens' grep -q listening "$work/dns"
	echo 'nameserver 198.51.100.254' > "$work/resolv.conf"
	mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
	for r in r1 r2 r3; do relay_host $r; done
	for ((i = 1; i <= sites; i++)); do site_host $i; done
	for ((i = 1; i <= sites; i++)); do site_peers $i; done
	for r in r1 r2 r3; do relay_wireguard $r; done
}

relays_begin() {
	local i r
	for r in r1 r2 r3; do daemon_begins $r; done
	for r in r1 r2 r3; do wait_for 30 "the daemon of $r" daemon_says $r 'the daemon follows changes'; done
	for r in r1 r2 r3; do wait_for 30 "$r knows all sites" knows_sites $r; done
	for ((i = 1; i <= sites; i++)); do edge_begins $i; done
}

# Like a power cut: the host sends no farewell
dies() { # RELAY
	local pid
	inside "$1" ip link set eth0 down
	inside "$1" ip link set sync down
	kill -KILL "${daemons[$1]}" 2> /dev/null || :
	for pid in $(ip netns pids "$1"); do kill -KILL "$pid" 2> /dev/null || :; done
	wait "${daemons[$1]}" 2> /dev/null || :
	inside "$1" "$wgxdp" --instance "$1" down > /dev/null
	inside "$1" ip link del "wgr-$1" 2> /dev/null || :
}

returns() { # RELAY
	inside "$1" ip link set eth0 up
	inside "$1" ip link set sync up
	relay_addresses "$1" 2> /dev/null || :
	relay_wireguard "$1"
	: > "$work/$1.daemon"
	daemon_begins "$1"
	wait_for 30 "the daemon of $1" daemon_says "$1" 'the daemon follows changes'
}

where() { # SITE: the relay to which its WireGuard sends
	endpoint_seen "s$1" "wgs$1" relay | sed -n 's/^198\.51\.100\.\([0-9]*\):.*/\1/p; s/^\[2001:db8::\([0-9]*\)\]:.*/\1/p'
}
phase() { # NAME RELAY: a phase of gaps.py begins
	local i places=''
	for ((i = 1; i <= sites; i++)); do places+=" $i:$(where $i)"; done
	echo "$1 $2 $(date +%s.%N)$places" >> "$work/phases"
}

# ---- sites that change their relay, as an edge's daemon would do it

goes() { # SITE RELAY'S-NUMBER
	local at peer
	at=$(address_of "$2" "$(site_uses_ipv6 "$1" && echo 6 || echo 4)")
	at=$(if [[ $at == *:* ]]; then echo "[$at]:$port"; else echo "$at:$port"; fi)
	for peer in $(inside "s$1" wg show "wgs$1" peers); do inside "s$1" wg set "wgs$1" peer "$peer" endpoint "$at"; done
	inside "s$1" wg set "wgs$1" peer "$(key relay)" remove
	inside "s$1" wg set "wgs$1" peer "$(key relay)" allowed-ips "$tunnels::1/128" endpoint "$at" persistent-keepalive 25
}
is_at() { # SITE RELAY BELIEVER...: each BELIEVER sends to this site at RELAY
	local r
	for r in "${@:3}"; do
		if [[ $2 == "$r" ]]; then
			expected_at "$r" | holds -E "^$1 [0-9[]"
		else
			expected_at "$r" | holds -x "$1 relay ${2#r}"
		fi || return
	done
}
