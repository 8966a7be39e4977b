#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# Blind relays from the files of `wgxdp gen hosts` join sites, and when one relay fails, another one continues. The
# packet filters (tcp-ports) are generated too:
# - docs/examples/topology/blind-relays.yaml: three sites at r1 reach each other, and hosts of two IPv4 LANs too, by TCP and
#   ping, with their own addresses. r1 fails, and the sites reach each other through r2, with new sessions.
# - docs/examples/topology/blind-pair.yaml: two relays share an address. The active one fails, and the other one continues
#   with all sessions.
# BREAK=1 runs no daemon on the relays: then no relay knows the sites.
#
# The hosts of the second topology get other names here.
#
#     home-berlin 192.168.1.10 --- .2 berlin-edge …
#     berlin-edge, lyon-edge, porto-edge 10.7.N.2 --- internet 10.7.N.1, 198.51.100.254, fe80::1 --- r1, r2
source "${BASH_SOURCE[0]%/*}/../lib/several-relays.sh"
source "$root/selftests/lib/hosts.sh"
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go # used if the kernel has no WireGuard

in_site() { at "$1-edge" "${@:2}"; }
server() { # SITE
	case $1 in berlin | essen) echo "$overlay:1::1" ;; lyon | lille) echo "$overlay:2::1" ;; porto) echo "$overlay:3::1" ;; esac
}
handshakes() { in_site "$1" wg show wgvpnr01 latest-handshakes | grep -v "^$relay_key" | sort; } # SITE

relay_host() { # RELAY IPv4 [IPv6]
	plug "$1" eth0
	takes_xdp internet "$1"
	addresses "$1" eth0 "$2/24" ${3:+"$3/64"}
	inside "$1" ip route replace default via 198.51.100.254 metric 1000
	inside "$1" ip -6 route replace default via fe80::1 dev eth0
	at "$1" tee /etc/resolv.conf <<< 'nameserver 198.51.100.53' > /dev/null
	installs "$1" "$work/$topology/$1"
	boots "$1"
	[[ ! ${BREAK:-} ]] || return 0
	start_at "$1" "$wgxdp" daemon > "$work/daemon-$1" 2>&1
	daemons[$1]=$!
}
edge_host() { # SITE NUMBER
	local edge=$1-edge
	cable "$edge" eth0 internet "$edge"
	addresses internet "$edge" "10.7.$2.1/24" "2001:db8:7:$2::1/64"
	addresses "$edge" eth0 "10.7.$2.2/24" "2001:db8:7:$2::2/64"
	gateways "$edge" "10.7.$2.1" "2001:db8:7:$2::1"
	namespaces "home-$1"
	cable "$edge" eth1 "home-$1" eth0
	addresses "$edge" eth1 "$(server "$1")/64" "192.168.$2.2/24"
	addresses "home-$1" eth0 "192.168.$2.10/24"
	inside "home-$1" ip route add 192.168.0.0/16 via "192.168.$2.2"
	at "$edge" tee /etc/resolv.conf <<< 'nameserver 198.51.100.53' > /dev/null
	installs "$edge" "$work/$topology/$edge"
	at "$edge" sysctl -q -p /etc/sysctl.d/60-wgxdp.conf
	at "$edge" nft -f /etc/nftables.d/wgxdp.nft
	at "$edge" ip -6 address add fe80::1/128 dev eth1 nodad
	# like keepalived: this edge router is the active one of its site
	at "$edge" /etc/keepalived/wgvpnr01 INSTANCE "$1" MASTER 0 > "$work/notify-$1" 2>&1 || fail "$edge: $(< "$work/notify-$1")"
	at "$edge" test -e /etc/wgxdp/wgxdp.yaml || return 0
	at "$edge" "$wgxdp" up > "$work/up-$1" 2>&1 || fail "$edge: wgxdp up: $(< "$work/up-$1")"
	start_at "$edge" "$wgxdp" daemon > "$work/daemon-$1" 2>&1
	daemons[$1]=$!
}
begins() { # TOPOLOGY [SED-SCRIPT]: its files, and the names in DNS
	topology=$1
	generated "$1" "${2:-}"'; s,^mesh: off,tcp-ports: [ 22 ]\noverlay: "fd12:3456:789a::/48"\ntunnels: "fd12:3456:7899::/64"\nmesh: off,'
	relay_key=$(cat "$work/$1"/*1/etc/wireguard/wgvpnr01-publickey)
	names_of "$1" > "$work/zone.new"
	mv "$work/zone.new" "$work/zone"
}
ends() { # PROCESS...
	kill -KILL "$@"
	wait "$@" 2> /dev/null || :
}
fails() { # RELAY
	inside internet ip link set "$1" down
	ends "${daemons[$1]}"
	unset "daemons[$1]"
}
same_sessions() { # SITE...
	local s
	for s; do expect "site $s has the same sessions" "$(handshakes "$s")" == "$(< "$work/handshakes-$s")"; done
}
remembers() { # SITE...
	local s
	sessions_settle
	for s; do handshakes "$s" > "$work/handshakes-$s"; done
}

ipv4_pings() { inside home-berlin ping -q -c 1 -W 1 192.168.2.10 && inside home-lyon ping -q -c 1 -W 1 192.168.1.10; } > /dev/null
asks() { # FROM TO: the address of FROM, as TO sees a TCP connection
	inside "home-$1" socat -T 5 "TCP4:$2:7000,connect-timeout=5" - 2>> "$work/socat" < /dev/null || :
}
ipv4_tcp() { # WHEN
	expect "$1: lyon sees of berlin" "$(asks berlin 192.168.2.10)" == 192.168.1.10
	expect "$1: berlin sees of lyon" "$(asks lyon 192.168.1.10)" == 192.168.2.10
}

need_tun
internet
routers internet
addresses internet br0 198.51.100.254/24 2001:db8:1::fe/64 fe80::1/64

# ---- independent relays

sites=(berlin lyon porto)
begins blind-relays 's,^  - name: berlin,&\n    ipv4: 192.168.1.0/24,; s,^  - name: lyon,&\n    ipv4: 192.168.2.0/24,'
hosts r1 r2 berlin-edge lyon-edge porto-edge
for n in 1 2; do relay_host r$n 198.51.100.$n; done
edge_host berlin 1
edge_host lyon 2
edge_host porto 3
wait_for 20 'each site reaches each other one' reach_all
expect 'sites at r1' "$(on=r1; wgxdp show sites | grep -c authenticated)" == 3
for n in 1 2; do at r$n nft -c -f /etc/nftables.d/wgxdp.nft; done
for s in berlin lyon porto; do
	# shellcheck disable=SC2016 # socat's shell expands it
	start home-$s socat TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR'
	wait_for 5 'socat listens' tcp_listens home-$s 7000
done
wait_for 20 'the IPv4 LANs reach each other' ipv4_pings
ipv4_tcp 'at r1'
expect 'an answer of the third site, which has no IPv4 LAN' "$(asks berlin 192.168.3.10)" == ''
at r1 grep -q '^ExecStartPre=.*/blind$' /etc/systemd/system/wgxdp.service.d/wgxdp.conf
sleep 5 # each edge has heard an answer to its pings
fails r1
elsewhere() { # all peers of all sites
	local s
	for s in "${sites[@]}"; do ! in_site "$s" wg show wgvpnr01 endpoints | holds '198\.51\.100\.1:' || return; done
}
wait_for 15 'all sites are at r2, with all their peers' elsewhere
wait_for 20 'each site reaches each other one' reach_all
wait_for 5 'the IPv4 LANs reach each other' ipv4_pings
ipv4_tcp 'at r2'
ends "${daemons[@]}"
daemons=()
inside internet ip link set r2 down # others get its address
inside internet ip neighbour flush dev br0

# ---- a pair

sites=(essen lille)
begins blind-pair 's/berlin/essen/; s/lyon/lille/; s/name: r\([12]\)/name: p\1/'
hosts p1 p2 essen-edge lille-edge
for n in 1 2; do relay_host p$n 198.51.100.$((n + 1)) 2001:db8:1::$((n + 1)); done
for n in 1 2; do
	at p$n keepalived -t -f /etc/keepalived/keepalived.conf > "$work/keepalived-t" 2>&1 || fail "keepalived -t: $(< "$work/keepalived-t")"
	start_at p$n keepalived -nl -f /etc/keepalived/keepalived.conf -p "$work/p$n.pid" -r "$work/p$n.vrrp" > "$work/keepalived-$n" 2>&1
	kept[n]=$!
done
has_address() { at "$1" ip -br address show dev eth0 | holds 198.51.100.1/32; } # RELAY
wait_for 10 'p1 is active' has_address p1
source_to() { at p1 ip route get "$1" | sed -n 's/.* src \([^ ]*\).*/\1/p'; } # ADDRESS
expect 'source of IPv4 and IPv6 messages to sites' "$(source_to 10.7.4.2) $(source_to 2001:db8:7:4::2)" == '198.51.100.1 2001:db8:1::1'
edge_host essen 4
edge_host lille 5
wait_for 20 'each site reaches each other one' reach_all
standby_knows() { on=p2; [[ $(wgxdp show sites --json | grep -o '"endpoint": "[^"]' | wc -l) == 2 && $(wgxdp show sites | grep -c '^  state: standby') == 1 ]]; }
wait_for 5 'p2 knows both sites' standby_knows
remembers "${sites[@]}"
fails p1
ends "${kept[1]}"
wait_for 5 'p2 is active' has_address p2
wait_for 5 'each site reaches each other one' reach_all
same_sessions "${sites[@]}"
