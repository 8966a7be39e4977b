# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The hosts of docs/examples/topology/two-sites.yaml as they boot from the generated files in $tree, and the network
# around them. Source lib.sh, sites.sh and hosts.sh first. systemd does not run: the script starts what its units would
# start, in their order, with networkd.
#
#     server-a1 eth0 ---.          .--- lan edge-a1 wan ---.
#                     lan-a (bridge)                     in nat-a (cone) out .11 ---------.
#     server-a2 eth0 ---'          '--- lan edge-a2 wan ---'  100.64.1.0/24               |
#                                                                                     internet --- .1 eth0 relay
#     server-b1 eth0 --- lan-b -------- lan edge-b1 wan ---.                              |
#                           '---------- lan edge-b2 wan ---in nat-b (symmetric) out .12 --'
#                                                             100.64.2.0/24, 2001:db8:b::/64
#
# nat-a and nat-b run networkd too, as DHCP servers. nat-b also announces IPv6, so site b's tunnel uses IPv6. /etc/hosts
# has the names of the zone's lines.
tree=${work:?}/tree
servers=(server-a1 server-a2 server-b1)
edges=(edge-a1 edge-a2 edge-b1 edge-b2)
declare -A pids=() # by "HOST PROGRAM"
declare -A lan6=([server-a1]=${overlay:?}:a::10 [server-a2]=$overlay:a::11 [server-b1]=$overlay:b::10)
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go # used if the kernel has no WireGuard

# --- the network around the hosts

networkd() { # HOST
	at "$1" bash -ec "${networkd_room:?}" networkd "$1"
	runs "$1" networkd /lib/systemd/systemd-networkd
}

runs() { # HOST PROGRAM COMMAND...
	start_at "$1" "${@:3}" > "$work/$1.$2" 2>&1
	# shellcheck disable=SC2034 # for whom sources this
	pids["$1 $2"]=$!
	disown # bash need not report how it ends
}

lan() { # SITE HOST...
	local host
	namespaces "lan-$1"
	inside "lan-$1" ip link add br0 type bridge
	inside "lan-$1" ip link set br0 up
	for host in "${@:2}"; do
		case $host in
		edge-*) cable "$host" lan "lan-$1" "$host" ;;
		*) cable "$host" eth0 "lan-$1" "$host" ;;
		esac
		inside "lan-$1" ip link set "$host" master br0
	done
}

outside() { # SITE NUMBER: a NAT, with its network for edge routers
	local edge random=''
	[[ $3 == cone ]] || random=random,fully-random
	hosts "nat-$1"
	routers "nat-$1"
	on_internet "nat-$1" out "198.51.100.1$2/24"
	inside "nat-$1" ip link add in type bridge
	for edge in "${@:4}"; do
		cable "$edge" wan "nat-$1" "$edge"
		inside "nat-$1" ip link set "$edge" master in
	done
	inside "nat-$1" nft -f - <<- EOF_NFT
		table inet cgnat {
			chain c_post { type nat hook postrouting priority srcnat; meta nfproto ipv4 oifname "out" masquerade $random; }
			chain c_forward { type filter hook forward priority filter; policy drop; iifname "in" accept; ct state established,related accept; }
		}
	EOF_NFT
	at "nat-$1" mkdir -p /etc/systemd/network
	# Since systemd 256 the server waits for a unit before it serves, unless it keeps no leases; earlier ones ignore the key
	at "nat-$1" tee /etc/systemd/network/in.network <<- EOF_NETWORK > /dev/null
		[Match]
		Name=in
		[Network]
		Address=100.64.$2.1/24
		DHCPServer=yes
		ConfigureWithoutCarrier=yes
		[DHCPServer]
		EmitDNS=no
		PersistLeases=no
	EOF_NETWORK
}

announces() { # SITE PREFIX: IPv6 outside, without a NAT
	inside "nat-$1" ip address add "2001:db8::1$1/64" dev out nodad
	inside relay ip route add "$2" via "2001:db8::1$1"
	at "nat-$1" tee -a /etc/systemd/network/in.network <<- EOF_NETWORK > /dev/null
		[Network]
		IPv6SendRA=yes
		[IPv6SendRA]
		EmitDNS=no
		[IPv6Prefix]
		Prefix=$2
		Assign=yes
	EOF_NETWORK
}

build_network() {
	local host
	namespaces internet
	inside internet ip link add br0 type bridge
	inside internet ip link set br0 up
	hosts relay "${edges[@]}" "${servers[@]}"
	on_internet relay eth0 198.51.100.1/24 2001:db8::1/64
	lan a edge-a1 edge-a2 server-a1 server-a2
	lan b edge-b1 edge-b2 server-b1
	outside a 1 cone edge-a1 edge-a2
	outside b 2 symmetric edge-b1 edge-b2
	announces b 2001:db8:b::/64
	for host in nat-a nat-b; do networkd $host; done
	for host in relay "${edges[@]}" "${servers[@]}"; do
		installs "$host" "$tree/$host"
		awk '$3 == "IN" {print $5, $1 ".example.net"}' "$tree/zone.example.net" | at "$host" tee -a /etc/hosts > /dev/null
	done
}

# --- the hosts, started like their units

# Counts packets that the kernel would forward between tunnels. There are none while wgxdp forwards them.
watch_relay() {
	at relay nft -f - <<- EOF_NFT
		table inet seen {
			counter overlay { }
			chain c_forward { type filter hook forward priority -10; ip6 daddr $overlay::/48 counter name overlay; }
		}
	EOF_NFT
}
nft_given() { at relay nft list counter inet seen overlay | awk '$1 == "packets" {print $2}'; }

boots_edge() { # HOST [no-keepalived]
	at "$1" sysctl -qp /etc/sysctl.d/60-wgxdp.conf
	at "$1" nft -f /etc/nftables.d/wgxdp.nft
	networkd "$1"
	[[ ${2:-} ]] || runs "$1" keepalived keepalived -nlD -p /run/keepalived/pid -r /run/keepalived/vrrp
	runs "$1" radvd radvd -n -m stderr -p /run/keepalived/radvd
}

boots_server() { # HOST
	networkd "$1"
	quick "$1" up wgvpn01
}

boots_relay() {
	boots relay # except the daemon
	runs relay daemon "${wgxdp:?}" daemon
	wait_for 10 "the daemon's readiness" grep -q 'the daemon follows changes' "$work/relay.daemon"
}

# --- their state

has_token() { [[ $(inside "$1" ip -6 address show dev eth0 scope global) == *"inet6 ${lan6[$1]}/64 "* ]]; }
knows_way() { [[ $(inside "$1" ip -6 route show "$overlay::/48") == *'via fe80::1 dev eth0 '*'pref high'* ]]; }
is_active() { [[ $(inside "$1" ip -6 address show dev lan) == *'inet6 fe80::1/128 '* ]]; }
active() { # SITE
	local edge
	for edge in "${edges[@]}"; do [[ $edge != edge-$1* ]] || ! is_active "$edge" || echo "$edge"; done
}
one_active() { [[ $(active "$1" | wc -l) == 1 ]]; }
reached() { inside "$1" ping -q -c 1 -W 1 "$2"; } # FROM ADDRESS
mesh_address() { at "$1" sed -n 's/^Address *= *\([^/]*\).*/\1/p' /etc/wireguard/wgvpn01.conf; }

# --- all hosts

all_boot() { # [EDGE: [EDGE without keepalived]
	local host site
	boots_relay
	watch_relay
	for host in "${servers[@]}"; do boots_server "$host"; done
	for host in "${edges[@]}"; do boots_edge "$host" "$([[ $host != "${1:-}" ]] || echo no-keepalived)"; done
	for site in a b; do wait_for 30 "an active edge router of site $site" one_active $site; done
	for host in "${servers[@]}"; do
		wait_for 40 "$host has its address" has_token "$host"
		wait_for 40 "$host knows the way" knows_way "$host"
	done
	wait_for 30 'site b' reached server-a1 "${lan6[server-b1]}"
}

# --- an edge router fails

# Sends 20 packets/s with answers from server-a1 to server-b1, by the LANs' addresses and by the servers' tunnel
traffic_begins() { # [SECONDS: [SECONDS before the next step]
	start server-a1 ping -nDi 0.05 "${lan6[server-b1]}" > "$work/traffic-lan" 2>&1
	pids["traffic lan"]=$!
	start server-a1 ping -nDi 0.05 "$(mesh_address server-b1)" > "$work/traffic-mesh" 2>&1
	pids["traffic mesh"]=$!
	sleep "${1:-1}"
}

traffic_ends() {
	kill -INT "${pids["traffic lan"]}" "${pids["traffic mesh"]}"
	wait "${pids["traffic lan"]}" "${pids["traffic mesh"]}" || :
}

# Prints the longest time without an answer, in ms
silence() { # lan|mesh
	awk '/bytes from/ {t = substr($1, 2) + 0; if (last && t - last > most) most = t - last; last = t} END {print int(most * 1000 + 0.5)}' \
		"$work/traffic-$1"
}

all_dead() { [[ ! $(ip netns pids "$1") ]]; }

# Like a power cut: the router sends no farewell, and loses all state
dies() { # EDGE
	local pid
	inside "$1" ip link set lan down
	inside "$1" ip link set wan down
	for pid in $(ip netns pids "$1"); do kill -KILL "$pid" 2> /dev/null || :; done
	wait_for 5 "$1 is dead" all_dead "$1"
	inside "$1" ip link del wgvpnr01 2> /dev/null || : # the kernel's own device would remain
}

answers() { grep -c 'bytes from' "$work/traffic-$1" || :; }
answered_again() { (($(answers "$1") >= $2)); }

other_takes_over() { # SECONDS: sends traffic for that time. Then $was, the active edge router of site a, fails, and $other takes over.
	local kind enough
	was=$(active a)
	other=edge-a$((3 - ${was#edge-a}))
	traffic_begins "$1"
	dies "$was"
	wait_for 15 "$other takes over" is_active "$other"
	for kind in lan mesh; do
		enough=$(($(answers $kind) + 20))
		wait_for 15 "answers ($kind) after $was died" answered_again $kind $enough
	done
	traffic_ends
}
