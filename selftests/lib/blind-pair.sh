# shellcheck shell=bash disable=SC2154 # what lib.sh and the script have
# SPDX-License-Identifier: GPL-2.0-or-later
# Two blind relays, r1 and r2, that share 198.51.100.1 and 2001:db8::1 by keepalived. Source lib.sh, keepalived.sh and
# blind-hosts.sh first. Their WireGuard has one key and the same peers. They exchange their state over a cable.
#
#     s1 … sN  10.7.1.2 … ------- internet .254 ---+--- .2 eth0 r1 sync  fd00:9::1
#              2001:db8:7:1::2 …      br0           |              |
#                                                   +--- .3 eth0 r2 sync  fd00:9::2
#                                        198.51.100.0/24, 2001:db8::/64
relay_address() { if (($2 == 4)); then echo 198.51.100.1; else echo 2001:db8::1; fi; } # SITE 4|6

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
				src 198.51.100.1 to 0.0.0.0/0 via 198.51.100.254 dev eth0 metric 50
				src 2001:db8::1 to ::/0 via 2001:db8::fe dev eth0 metric 50
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

default_routes() { # RELAY: its own, which the ones of keepalived precede
	inside "$1" ip route replace default via 198.51.100.254 metric 100
	inside "$1" ip route replace default via 2001:db8::fe metric 1024
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

pair_network() { # with $sites sites
	local i
	choose_wireguard
	internet_with_bridge
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

same_sessions() { [[ $(sessions_of r1) == "$(sessions_of r2)" ]]; }
all_handshaken() { (($(inside "$1" wg show "wgr-$1" latest-handshakes | awk '$2 > 0' | wc -l) == sites)); } # RELAY

came_to() { (($(arrived "$1" "$2") == $3)); } # SITE COUNTER N
not_connected() { [[ $(metric_of "$1" wgxdp_pair_connected) == 0 ]]; } # RELAY
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

phase() { # steady|goes: a phase of gaps.py begins
	local i places=''
	for ((i = 1; i <= sites; i++)); do places+=" $i:1"; done
	echo "$1 1 $(date +%s.%N)$places" >> "$work/phases"
}
# r1, which is active, loses its power while all pairs ping each other
active_dies() {
	phase goes
	sleep 0.2
	dies r1
	wait_for 10 'r2 has the addresses' is_active r2
	wait_for 3 'r1 died: answers for every pair' all_answer
	sleep 1
	phase steady
}
