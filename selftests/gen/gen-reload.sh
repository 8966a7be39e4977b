#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# After a change of the topology, `systemctl reload` gives a running tunnel the peers and routes of the new file, and
# removes the old ones. The test runs the command of that unit. It removes those of peers that the file no longer has.
# The test checks this on relays, edge routers and servers, and that other routes, the port, the fwmark and the key
# stay. `wg-quick down` on a relay leaves forwarding as it was, and no route. BREAK=1 runs `wg syncconf`
# alone, which sets no routes.
#
#     relay, edge-a, server-a, r1, vps: hosts without a network
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/hosts.sh"
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go # used if the kernel has no WireGuard

brings() { # NAME YAML HOST...: the files of this topology, on these hosts
	local host
	printf '%s\n' "$2" > "$work/$1.yaml"
	"$wgxdp" gen hosts "$work/$1.yaml" -o "$work/$1" > "$work/gen" 2>&1 || fail "gen hosts: $(< "$work/gen")"
	for host in "${@:3}"; do installs "$host" "$work/$1/$host"; done
}

# Runs the last ExecReload of the unit, as systemd would
reloads() { # HOST UNIT
	local command instance=${2#*@}
	command=$(at "$1" sed -n 's/^ExecReload=//p' "/etc/systemd/system/$2.service.d/wgxdp.conf" | tail -n 1)
	command=${command//%i/$instance}
	[[ ! ${BREAK:-} ]] || command="wg syncconf $instance <(wg-quick strip $instance)"
	at "$1" bash -c "$command" > "$work/reload" 2>&1 || fail "$1: reload of $2: $(< "$work/reload")"
}

has_route() { [[ $(at "$1" ip "$([[ $3 == *:* ]] && echo -6 || echo -4)" route show dev "$2" exact "$3") ]]; } # HOST DEVICE PREFIX
routes() { at "$1" ip -6 route show dev "$2" | sort; }              # HOST DEVICE
expect_route() { has_route "$@" || fail "$1: no route to $3 over $2: $(routes "$1" "$2")"; }
expect_none() { ! has_route "$@" || fail "$1: a route to $3 over $2"; }
unreachable() { at "$1" ip -6 route show type unreachable | awk '{print $2}' | xargs; } # HOST

sites() { # [RELAY'S KEYS [LETTER...: of the sites
	local site
	echo 'domain: example.net'
	echo 'overlay: "fd12:3456:789a::/48"'
	echo 'tunnels: "fd12:3456:7899::/64"'
	echo 'mesh: { prefix: "fd99:e2e::/64", ports: 58000-60000, port: 58001 }'
	echo "relays: [ { name: relay, interface: eth0, addresses: [ 198.51.100.1 ]$1 } ]"
	echo 'sites:'
	for site in "${@:2}"; do
		echo "  - { name: site-$site, subnet: $site, edges: [ { name: edge-$site, wan: wan, lan: lan } ],"
		echo "      servers: [ { name: server-$site, interface: eth0, token: 10 } ] }"
	done
}
overlay=fd12:3456:789a end=fd12:3456:7899::1 mesh=fd99:e2e:

hosts relay edge-a server-a r1 vps

# --- relay and server
brings sites "$(sites '' a b)" relay server-a
quick relay up wgvpnr01
quick server-a up wgvpn01
at relay ip -6 route add fd77::/64 dev wgvpnr01 # the admin's own
before=$(routes relay wgvpnr01)
reloads relay wg-quick@wgvpnr01
expect 'routes after a reload of the same file' "$(routes relay wgvpnr01)" == "$before"
brings sites "$(sites '' a c)" relay server-a
private=$(at relay wg show wgvpnr01 private-key)
reloads relay wg-quick@wgvpnr01
reloads server-a wg-quick@wgvpn01
expect "the relay's private key" "$(at relay wg show wgvpnr01 private-key)" == "$private"
for prefix in $end:c $overlay:c::/64 $end:a $overlay:a::/64 fd77::/64; do expect_route relay wgvpnr01 "$prefix"; done
for prefix in $end:b $overlay:b::/64; do expect_none relay wgvpnr01 "$prefix"; done
expect_route server-a wgvpn01 ${mesh}:c:10
expect_none server-a wgvpn01 ${mesh}:b:10
expect 'the relay lets no packet of the overlay to its provider' "$(unreachable relay)" == $overlay::/48
say 'ok relay and server: routes come and go with the sites'
for forwarding in 1 0; do
	inside relay sysctl -qw net.ipv6.conf.all.forwarding=$forwarding
	quick relay down wgvpnr01
	expect 'forwarding after wg-quick down' "$(inside relay sysctl -n net.ipv6.conf.all.forwarding)" == $forwarding
	expect "the relay's routes after wg-quick down" "$(at relay ip -6 route)" == ''
	quick relay up wgvpnr01
	expect 'forwarding after wg-quick up' "$(inside relay sysctl -n net.ipv6.conf.all.forwarding)" == $forwarding
done
sites '' a c | sed 's/^overlay:.*/overlay: "fd12:3456:789b::\/48"/' > "$work/moved.yaml"
brings moved "$(< "$work/moved.yaml")" relay # an unreachable route of the earlier file ends too
quick relay down wgvpnr01
expect "the relay's routes after wg-quick down, with another file" "$(at relay ip -6 route)" == ''

# --- an edge router of a blind relay, whose tunnel keepalived starts
at edge-a sh -c 'echo 198.51.100.1 relay.example.net >> /etc/hosts'
inside edge-a ip link add lan type veth peer name lan-peer
addresses edge-a lan $overlay:a::1/64
brings blind "$(sites ', blind: true' a b)" edge-a
script=/etc/keepalived/wgvpnr01
for state in BACKUP MASTER; do
	[[ $state == BACKUP ]] || inside edge-a ip address add fe80::1/128 dev lan nodad
	brings blind "$(sites ', blind: true' a b)" edge-a
	at edge-a $script INSTANCE site-a $state 0 > "$work/said" 2>&1 || fail "$state: $(< "$work/said")"
	expect_route edge-a wgvpnr01 $overlay:b::/64
	brings blind "$(sites ', blind: true' a c)" edge-a
	reloads edge-a keepalived
	expect_route edge-a wgvpnr01 $overlay:c::/64
	expect "$state: the route's source" "$(at edge-a ip -6 route show $overlay:c::/64 | sed -n 's/.* src \([^ ]*\) .*/\1/p')" == $overlay:a::1
	expect_none edge-a wgvpnr01 $overlay:b::/64
	expect "$state: peers" "$(at edge-a wg show wgvpnr01 peers | wc -l)" == "$([[ $state == BACKUP ]] && echo 0 || echo 2)"
done
say 'ok edge router: routes come and go with the sites, on the active one and on the other'

# --- a road warrior with all IPv6 in the tunnel, for which wg-quick has set a mark
warrior() { # [KEYS OF R2
	echo "gateways: [ { name: r2, interface: eth0, addresses: [ 203.0.113.7 ], networks: [ 10.9.0.0/24 ], home: [ 192.168.1.0/24$1 ],"
	echo '    roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: "2001:db8:abcd:5::/64" } ] } ]'
}
inside r1 ip link add br-lan type veth peer name lan-peer
brings warrior "$(warrior '')" r1
quick r1 up wg0
mark=$(at r1 wg show wg0 fwmark) port=$(at r1 wg show wg0 listen-port)
brings warrior "$(warrior ', 192.168.2.0/24')" r1
reloads r1 wg-quick@wg0
expect 'the mark' "$(at r1 wg show wg0 fwmark)" == "$mark"
expect 'the port' "$(at r1 wg show wg0 listen-port)" == "$port"
expect_route r1 wg0 192.168.2.0/24
expect_none r1 wg0 ::/0 # in the main table
[[ $mark != off ]] || fail 'r1 has no mark, so this shows nothing'

# --- a VPS
vps() { # PREFIX PROXY-NDP CLIENT...
	echo "gateways: [ { name: vps, interface: eth0, addresses: [ \"2001:db8:0:1::1\" ], port: 51820, networks: [ 10.9.0.0/24, \"$1\" ],"
	echo "    exit: { ipv4: masquerade, proxy-ndp: $2 }, clients: [ $(printf '{ name: %s, ipv6: direct }, ' "${@:3}") ] } ]"
}
one=2001:db8:abcd:1234::/64
brings vps "$(vps $one false foo)" vps
inside vps ip link add eth0 type veth peer name eth0-peer
quick vps up wg0
brings vps "$(vps $one false foo bar)" vps
reloads vps wg-quick@wg0
expect_route vps wg0 10.9.0.0/24 # the network of its own address
quick vps down wg0
expect 'unreachable routes without the tunnel' "$(unreachable vps)" == ''
brings vps "$(vps $one true foo)" vps
quick vps up wg0
brings vps "$(vps $one true foo bar)" vps
reloads vps wg-quick@wg0
expect 'clients that it answers for' "$(at vps ip -6 neigh show proxy | wc -l)" == 2
expect_route vps wg0 2001:db8:abcd:1234::3
say 'ok VPS: routes come and go with the clients'
