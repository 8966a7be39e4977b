# shellcheck shell=bash disable=SC2154 # what lib.sh and the script have
# SPDX-License-Identifier: GPL-2.0-or-later
# Two blind relays, r1 and r2, that share 198.51.100.1 and 2001:db8::1 by keepalived. Source lib.sh and keepalived.sh
# first. Their WireGuard has one key and the same peers. They exchange their state over a cable.
#
#     s1 … sN  10.7.1.2 … ------- internet .254 ---+--- .2 eth0 r1 sync  fd00:9::1
#              2001:db8:7:1::2 …      br0           |              |
#                                                   +--- .3 eth0 r2 sync  fd00:9::2
#                                        198.51.100.0/24, 2001:db8::/64
tunnels=fd12:3456:7899 # ends of the tunnels: those of the sites are ::11 and so on
declare -A daemons=()

keepalived_file() { # RELAY PRIORITY
	cat > "$work/$1.conf" <<- EOF
		global_defs { router_id $1 }
		vrrp_instance outside {
			state BACKUP
			nopreempt
			interface eth0
			version 3
			virtual_router_id 51
			priority $2
			advert_int 0.3
			virtual_ipaddress { 198.51.100.1/24 }
			virtual_ipaddress_excluded { 2001:db8::1/64 }
			virtual_routes {
				src 198.51.100.1 to 0.0.0.0/0 via 198.51.100.254 dev eth0
				src 2001:db8::1 to ::/0 via 2001:db8::fe dev eth0
			}
		}
	EOF
}

not_active() { ! is_active "$1"; } # RELAY
is_active() { [[ $(inside "$1" ip -br address show dev eth0) == *198.51.100.1/24*2001:db8::1/64* ]]; } # RELAY
other_of() { echo "r$((3 - ${1#r}))"; } # RELAY

pair_file() { # RELAY: writes the configuration of wgxdp
	local n=${1#r}
	cat > "$work/$1.yaml" <<- YAML
		interfaces: [ { name: eth0, role: wan } ]
		blind:
		  listen: { interface: eth0, port: $port }
		  device: wgr-$1
		  pair: { address: [ 198.51.100.1, "2001:db8::1" ], local: "fd00:9::$n", peer: "fd00:9::$((3 - n))" }
	YAML
}

# WireGuard with the key of both relays, and the sites as peers
relay_wireguard() { # RELAY
	local i device=wgr-$1
	tunnel "$1" "$device" "$tunnels::1/128"
	cp "$work/relay.key" "$work/$device.key"
	inside "$1" wg set "$device" private-key "$work/relay.key" listen-port "$port"
	inside "$1" ip route add "$tunnels::/64" dev "$device"
	for ((i = 1; i <= sites; i++)); do
		[[ ! -e $work/wgs$i.pub ]] || printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s::%s/128\n' "$(key wgs$i)" "$tunnels" $((10 + i))
	done > "$work/peers"
	inside "$1" wg addconf "$device" "$work/peers"
}

daemon_begins() { # RELAY
	start "$1" "$wgxdp" --instance "$1" daemon -c "$work/$1.yaml" >> "$work/$1.daemon" 2>&1
	daemons[$1]=$!
}

default_routes() { # RELAY: its own, which the ones of keepalived precede
	inside "$1" ip route replace default via 198.51.100.254 metric 100
	inside "$1" ip route replace default via 2001:db8::fe metric 2048
}

relay_host() { # RELAY PRIORITY
	local n=${1#r}
	namespaces "$1"
	routers "$1"
	inside "$1" sysctl -qw net.ipv4.conf.all.arp_ignore=1
	cable "$1" eth0 internet "$1"
	inside internet ip link set "$1" master br0
	takes_xdp internet "$1"
	addresses "$1" eth0 "198.51.100.$((n + 1))/24" "2001:db8::$((n + 1))/64"
	default_routes "$1"
	keepalived_file "$1" "$2"
	pair_file "$1"
}

site_uses_ipv6() { (($1 % 3 == 0)) && mixes_families; } # NUMBER
site_host() { # NUMBER
	local at=198.51.100.1:$port
	namespaces "s$1"
	cable "s$1" eth0 internet "s$1"
	addresses internet "s$1" "10.7.$1.1/24" "2001:db8:7:$1::1/64"
	addresses "s$1" eth0 "10.7.$1.2/24" "2001:db8:7:$1::2/64"
	gateways "s$1" "10.7.$1.1" "2001:db8:7:$1::1"
	tunnel "s$1" "wgs$1" "$tunnels::$((10 + $1))/128" "$port"
	inside "s$1" ip route add "$tunnels::/64" dev "wgs$1"
	! site_uses_ipv6 "$1" || at="[2001:db8::1]:$port"
	printf '%s\n' "$at" > "$work/relay-of-$1"
}
site_peers() { # NUMBER: the relay, and all other sites, at the relay's address
	local i at
	at=$(< "$work/relay-of-$1")
	{
		printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s::1/128\nEndpoint = %s\nPersistentKeepalive = 25\n' "$(key relay)" "$tunnels" "$at"
		for ((i = 1; i <= sites; i++)); do
			((i == $1)) || printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s::%s/128\nEndpoint = %s\n' "$(key wgs$i)" "$tunnels" $((10 + i)) "$at"
		done
	} > "$work/peers"
	inside "s$1" wg addconf "wgs$1" "$work/peers"
}

pair_network() { # with $sites sites
	local i
	choose_wireguard
	(umask 077 && wg genkey > "$work/relay.key")
	wg pubkey < "$work/relay.key" > "$work/relay.pub"
	namespaces internet
	inside internet ip link add br0 type bridge
	inside internet ip link set br0 up
	addresses internet br0 198.51.100.254/24 2001:db8::fe/64
	routers internet
	relay_host r1 150
	relay_host r2 100
	cable r1 sync r2 sync
	addresses r1 sync fd00:9::1/64
	addresses r2 sync fd00:9::2/64
	for ((i = 1; i <= sites; i++)); do site_host $i; done
	for ((i = 1; i <= sites; i++)); do site_peers $i; done
	relay_wireguard r1
	relay_wireguard r2
}

daemon_says() { grep -q "$2" "$work/$1.daemon"; } # RELAY TEXT
knows_sites() { (($(grep -c 'blind: site .* is at' "$work/$1.daemon") >= ${2:-sites})); } # RELAY [N]
metric_of() { inside "$1" "$wgxdp" --instance "$1" show metrics | awk -v name="$2" '$1 == name {print $2}'; } # RELAY NAME
sessions_of() { # RELAY: prints how many confirmed indices between sites its maps have
	inside "$1" "$wgxdp" --instance "$1" show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(sum(row["sessions"] for row in json.load(sys.stdin)["site_pairs"]))'
}

same_sessions() { [[ $(sessions_of r1) == "$(sessions_of r2)" ]]; }
all_handshaken() { (($(inside "$1" wg show "wgr-$1" latest-handshakes | awk '$2 > 0' | wc -l) == sites)); } # RELAY

connected_again() { [[ "$(metric_of r1 wgxdp_pair_connected) $(metric_of r2 wgxdp_pair_connected)" == '1 1' ]]; }

# Both relays run, and r1 gets the address
pair_begins() {
	daemon_begins r1
	daemon_begins r2
	for r in r1 r2; do wait_for 30 "the daemon of $r" daemon_says $r 'the daemon follows changes'; done
	keepalived_begins r1
	wait_for 20 'r1 has the addresses' is_active r1
	keepalived_begins r2
	wait_for 30 'r1 knows all sites' knows_sites r1
}

# Like a power cut: the host sends no farewell
dies() { # RELAY
	local pid
	inside "$1" ip link set eth0 down
	inside "$1" ip link set sync down
	kill -KILL "${daemons[$1]}" "${keepalived[$1]}" 2> /dev/null || :
	for pid in $(ip netns pids "$1"); do kill -KILL "$pid" 2> /dev/null || :; done
	wait "${daemons[$1]}" "${keepalived[$1]}" 2> /dev/null || :
	inside "$1" ip address del 198.51.100.1/24 dev eth0 2> /dev/null || :
	inside "$1" ip address del 2001:db8::1/64 dev eth0 2> /dev/null || :
	inside "$1" "$wgxdp" --instance "$1" down > /dev/null
	inside "$1" ip link del "wgr-$1" 2> /dev/null || :
}

# The host boots again, as a backup
returns() { # RELAY
	local n=${1#r}
	inside "$1" ip link set eth0 up
	inside "$1" ip link set sync up
	addresses "$1" eth0 "2001:db8::$((n + 1))/64" 2> /dev/null || :
	addresses "$1" sync "fd00:9::$n/64" 2> /dev/null || :
	default_routes "$1"
	relay_wireguard "$1"
	: > "$work/$1.daemon"
	daemon_begins "$1"
	wait_for 30 "the daemon of $1" daemon_says "$1" 'the daemon follows changes'
	keepalived_begins "$1"
}

# Prints NUMBER KEY TIME of the latest handshake for each site and peer, but not with the relay
handshakes() {
	local i
	for ((i = 1; i <= sites; i++)); do
		inside "s$i" wg show "wgs$i" latest-handshakes | grep -v "^$(key relay)" | sed "s/^/$i /"
	done | sort
}
# FILE: prints the percentage of directed pairs of sites with the same latest handshake as in FILE
same_handshakes() {
	handshakes | comm -12 "$1" - | wc -l | awk -v all=$((sites * (sites - 1))) '{print int($1 * 1000 / all) / 10}'
}

# Starts 20 pings per second from each site to those with higher numbers
pings_begin() {
	local i j
	pingers=()
	for ((i = 1; i < sites; i++)); do
		for ((j = i + 1; j <= sites; j++)); do
			start "s$i" ping -n -D -i 0.05 -W 5 "$tunnels::$((10 + j))" > "$work/ping-$i-$j" 2> /dev/null
			pingers+=($!)
		done
	done
}
all_answer() { # each pair had an answer within the last half second
	tail -qn 1 "$work"/ping-* | awk -v now="$(date +%s.%N)" -v all="${#pingers[@]}" \
		'/bytes from/ && substr($1, 2) + 0 > now - 0.5 {n++} END {exit n < all}'
}
pings_end() {
	kill -INT "${pingers[@]}"
	wait "${pingers[@]}" || :
}
first_pings() { # one from each site to those with higher numbers, so that all have sessions
	local i j pids=()
	for ((i = 1; i < sites; i++)); do
		for ((j = i + 1; j <= sites; j++)); do
			start "s$i" ping -q -c 2 -i 0.3 -W 10 "$tunnels::$((10 + j))" > /dev/null
			pids+=($!)
		done
		sleep 0.1
	done
	wait "${pids[@]}" || :
}
phase() { # steady|goes: a phase of gaps.py begins
	local i places=''
	for ((i = 1; i <= sites; i++)); do places+=" $i:1"; done
	echo "$1 1 $(date +%s.%N)$places" >> "$work/phases"
}
