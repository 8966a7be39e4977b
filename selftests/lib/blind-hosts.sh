# shellcheck shell=bash disable=SC2154 # what lib.sh and the script have
# SPDX-License-Identifier: GPL-2.0-or-later
# Blind relays that have one key, and sites that are peers of each other. Source lib.sh first. The caller defines
# `relay_address SITE 4|6`, which prints the address of the site's relay. $sites is the number of sites.
#
#     s1 … sN  10.7.1.2 … ------- internet .254 ---+--- eth0 r1 …
#              2001:db8:7:1::2 …      br0          198.51.100.0/24, 2001:db8::/64
tunnels=fd12:3456:7899 # ends of the tunnels: those of the sites are ::11 and so on
declare -A daemons=()

internet_with_bridge() {
	(umask 077 && wg genkey > "$work/relay.key")
	wg pubkey < "$work/relay.key" > "$work/relay.pub"
	namespaces internet
	bridge_with_address internet br0 198.51.100.254/24 2001:db8::fe/64
	routers internet
}

# WireGuard with the key of all relays, and the sites as peers
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

# shellcheck disable=SC2034 # the tests read `daemons`
daemon_begins() { # RELAY
	start "$1" "$wgxdp" --instance "$1" daemon -c "$work/$1.yaml" >> "$work/$1.daemon" 2>&1
	daemons[$1]=$!
}

site_uses_ipv6() { (($1 % 3 == 0)) && mixes_families; } # NUMBER
site_host() { # NUMBER
	local at
	namespaces "s$1"
	cable "s$1" eth0 internet "s$1"
	addresses internet "s$1" "10.7.$1.1/24" "2001:db8:7:$1::1/64"
	addresses "s$1" eth0 "10.7.$1.2/24" "2001:db8:7:$1::2/64"
	gateways "s$1" "10.7.$1.1" "2001:db8:7:$1::1"
	tunnel "s$1" "wgs$1" "$tunnels::$((10 + $1))/128" "$port"
	inside "s$1" ip route add "$tunnels::/64" dev "wgs$1"
	if site_uses_ipv6 "$1"; then at="[$(relay_address "$1" 6)]:$port"; else at=$(relay_address "$1" 4):$port; fi
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

daemon_says() { grep -q "$2" "$work/$1.daemon"; } # RELAY TEXT
knows_sites() { (($(grep -c 'blind: site .* is at' "$work/$1.daemon") >= ${2:-sites})); } # RELAY [N]
metric_of() { inside "$1" "$wgxdp" --instance "$1" show metrics | awk -v name="$2" '$1 == name {print $2}'; } # RELAY NAME
sessions_of() { # RELAY: prints how many confirmed indices between sites its maps have
	inside "$1" "$wgxdp" --instance "$1" show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(sum(row["sessions"] for row in json.load(sys.stdin)["site_pairs"]))'
}

# Prints SITE ADDRESS for each site, as the data path of the relay has it.
expected_at() { # RELAY
	local i
	for ((i = 1; i <= sites; i++)); do echo "$i $(key wgs$i)"; done > "$work/numbers"
	inside "$1" "$wgxdp" --instance "$1" show sites --json | /usr/bin/python3 -IS -c 'import json, sys
numbers = dict(reversed(line.split()) for line in open(sys.argv[1]))
for site in json.load(sys.stdin)["sites"]:
    print(numbers[site["public_key"]], site["endpoint"] or "-")' "$work/numbers"
}

# Prints NUMBER KEY TIME of the latest handshake for each site and peer, but not with the relay
handshakes() {
	local i
	for ((i = 1; i <= sites; i++)); do
		inside "s$i" wg show "wgs$i" latest-handshakes | grep -v "^$(key relay)" | sed "s/^/$i /"
	done | sort
}
# FILE: prints the percentage of directed pairs of sites with the same latest handshake as in FILE. It leaves out pairs
# that WireGuard has renewed because their session was two minutes old.
same_handshakes() {
	handshakes | awk 'NR == FNR {old[$1 " " $2] = $3; next} $3 - old[$1 " " $2] < 119 {n++; same += $3 == old[$1 " " $2]}
		END {print n ? int(same * 1000 / n) / 10 : 0}' "$1" -
}

all_new() { # no session is renewed within the next minute
	handshakes | awk -v now="$(date +%s)" '$3 < now - 60 {old = 1} END {exit old}'
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
