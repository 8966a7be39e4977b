#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# A network grows from one relay to three with generated files alone, and no site loses a packet. Only the files that
# `wgxdp gen hosts` writes from docs/examples/topology/three-relays.yaml are used: nft rules, WireGuard between relays
# too, wgxdp on relays and edge routers, BIRD. At first all sites are at the only relay. Two more relays come, and no
# site loses a packet. Then each site is at a relay of its own, and reaches the others by wgxdp alone. One relay
# fails: its sites are interrupted for at most 10 s, and others lose nothing. It comes back, and none loses a packet.
# BREAK=1 runs no BIRD: then no relay knows the others' sites.
#
#     edge-a1, edge-b1, edge-c1 --- internet 198.51.100.0/24, 2001:db8::/64 --- r1 (`relay` at first), r2, r3
#     .11       .12      .13            .53: names                              .1                     .2  .3
source "${BASH_SOURCE[0]%/*}/../lib/several-relays.sh"
source "$root/selftests/lib/hosts.sh"
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go # used if the kernel has no WireGuard

sites=(a b c)
in_site() { at "edge-${1}1" "${@:2}"; }
start_in_site() { start_at "edge-${1}1" "${@:2}"; }
server() { echo "$overlay:$1::1"; } # SITE

connect() { # HOST DEVICE NUMBER [NAME of its files]
	plug "$1" "$2"
	addresses "$1" "$2" "198.51.100.$3/24" "2001:db8::$3/64"
	at "$1" tee /etc/resolv.conf <<< 'nameserver 198.51.100.53' > /dev/null
	installs "$1" "$work/three-relays/${4:-$1}"
}
zone() { # [RELAY]: the sites' name with its addresses alone; none: with those of all
	names_of three-relays | sed "${1:+s/^\(relay.example.net 60\).*/\1 198.51.100.${1:-} 2001:db8::${1:-}/}" > "$work/zone.new"
	mv "$work/zone.new" "$work/zone"
}
bird_begins() { # RELAY
	[[ ! ${BREAK:-} ]] || return 0
	start_at "r$1" bird -f -c /etc/bird/bird.conf -s "$work/r$1.ctl" -P "$work/r$1.pid" 2>> "$work/bird$1"
	birds[$1]=$!
}
daemon_begins() { # RELAY
	start_at "r$1" "$wgxdp" daemon >> "$work/daemon$1" 2>&1
	daemons[$1]=$!
}
# Like keepalived: this edge router is the active one of its site
active() { # SITE
	at "edge-${1}1" /etc/keepalived/wgvpnr01 INSTANCE "$1" MASTER 0 > "$work/notify-$1" 2>&1 || fail "edge-${1}1: $(< "$work/notify-$1")"
}
where() { at "edge-${1}1" wg show wgvpnr01 endpoints | sed -n 's/.*\(:\|\.\)\([123]\)\]*:51820$/\2/p'; } # SITE: its relay
is_at() { [[ $(where "$1") == "$2" ]] && at "edge-${1}1" ping -q -c 1 -W 1 "fd12:3456:7899::1"; } # SITE RELAY
nft_given() { # prints how many packets between sites the relays' rules saw
	local n
	for n in "${relays[@]}"; do at "r$n" nft list chain inet wgxdp_host forward; done |
		sed -n 's/.*ip6 daddr .* counter packets \([0-9]*\) .*/\1/p' | awk '{n += $1} END {print n + 0}'
}
elsewhere() { [[ $(where "$1") != "$2" ]] && reach_all; } # SITE RELAY

# --- from one relay to three, as in docs/guides/relays.md

one_relay() {
	local n=10 s edge
	generated three-relays '/^relays-share/d; s/name: r1,/name: relay,/; /name: r[23],/d'
	zone
	connect r1 eth0 1 relay
	boots r1
	daemon_begins 1
	for s in "${sites[@]}"; do
		edge=edge-${s}1
		connect "$edge" wan "$((++n))"
		cable "$edge" lan internet "lan-$s" # a network without other hosts
		addresses "$edge" lan "$overlay:$s::1/64"
		at "$edge" sysctl -q -p /etc/sysctl.d/60-wgxdp.conf
		at "$edge" nft -f /etc/nftables.d/wgxdp.nft
		at "$edge" ip -6 address add fe80::1/128 dev lan nodad
		active "$s"
	done
	wait_for 20 'each site reaches each other one by one relay' reach_all
}
three_relays() {
	local n s
	generated three-relays 's/, keepalive: 1//'
	zone 1
	for n in 2 3; do
		connect "r$n" eth0 "$n"
		boots "r$n"
		daemon_begins "$n"
		bird_begins "$n"
	done
	installs r1 "$work/three-relays/r1"
	at r1 nft -f /etc/nftables.d/wgxdp.nft
	for n in 2 3; do quick r1 up "wg-r$n"; done
	at r1 ip -6 route replace fd12:3456:7899::1:0/112 dev wgvpnr01
	for s in "${sites[@]}"; do at r1 ip -6 route del "$overlay:$s::/64" dev wgvpnr01; done
	kill -HUP "${daemons[1]}"
	bird_begins 1
	for s in "${sites[@]}"; do
		installs "edge-${s}1" "$work/three-relays/edge-${s}1"
		at "edge-${s}1" "$wgxdp" up > "$work/up-$s" 2>&1 || fail "edge-${s}1: wgxdp up: $(< "$work/up-$s")"
		start_at "edge-${s}1" "$wgxdp" daemon > "$work/daemon-$s" 2>&1
	done
	zone
}
faster() { # edge routers first, because relays forget silent sites
	local n s
	generated three-relays
	for s in "${sites[@]}"; do
		installs "edge-${s}1" "$work/three-relays/edge-${s}1"
		active "$s"
	done
	for n in "${relays[@]}"; do
		installs "r$n" "$work/three-relays/r$n"
		kill -HUP "${daemons[$n]}"
	done
}

need_tun
internet
hosts r1 r2 r3 edge-a1 edge-b1 edge-c1
one_relay
pings_begin
sleep 2
phase three
three_relays
sleep 3
phase faster
faster
sleep 6 # longer than a site may be silent now
pings_end

# --- each site at a relay of its own; a relay fails

moves() { # SITE RELAY: that relay does not know the session, so the peer is set up again
	zone "$2"
	at "edge-${1}1" wg set wgvpnr01 peer "$(at "edge-${1}1" wg show wgvpnr01 peers)" remove
	active "$1"
	zone
	wait_for 10 "site $1 is at r$2" is_at "$1" "$2"
}
for n in "${relays[@]}"; do bird -p -c "$work/three-relays/r$n/etc/bird/bird.conf" || fail "bird.conf of r$n"; done
moves b 2
moves c 3
wait_for 20 'each site reaches each other one' reach_all
on=r1
wgxdp show routes > "$work/routes"
grep -q "$overlay:b::/64.* r2" "$work/routes" || fail "r1 does not have site b behind r2: $(< "$work/routes")"
before=$(nft_given)
reach_all || fail 'a site does not reach another one any more'
expect 'packets between sites that nft was given' "$(($(nft_given) - before))" == 0
pings_begin
sleep 2
phase goes 2
sleep 0.5 # answers in flight belong to this phase
inside internet ip link set r2 down
ends 2
wait_for 15 'site b is at another relay' elsewhere b 2
sleep 2
phase comes 2
inside internet ip link set r2 up
daemon_begins 2
bird_begins 2
sleep 5
pings_end
say ok
