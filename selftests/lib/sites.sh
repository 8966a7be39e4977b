# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sites behind a relay. Source lib.sh first. Each site is a server in a LAN and an edge router with a WireGuard tunnel
# to the relay. The servers have tunnels of their own, from server to server.
#
#     server-a .10 --- .1 edge-a .2 --- .1 nat-a .11 ---+
#        eth0       lan        wan     in      out      |
#     server-b .10 --- .1 edge-b .2 --- .1 nat-b .12 ---+--- internet --- .1 relay
#                                                       |                eth0, or $relay_nic
#     server-c .10 --- .1 edge-c .13 -------------------+
#
#     overlay:a::/64        100.64.1.0/30    198.51.100.0/24, 2001:db8::/64
overlay=fd12:3456:789a	# a /48; each site has a /64 of it
tunnels=fd12:3456:7899	# ends of the tunnels to the relay
mesh=fd99:e2e		# ends of the servers' tunnels
mesh_port=58001
declare -A relay_end=()	# the relay's address by its device

internet() { # with the relay on it, with public addresses of both families
	namespaces internet relay
	inside internet ip link add br0 type bridge
	inside internet ip link set br0 up
	on_internet relay "${relay_nic:-eth0}" 198.51.100.1/24 2001:db8::1/64
}

on_internet() { # NAMESPACE DEVICE ADDRESS...
	cable "$1" "$2" internet "$1"
	inside internet ip link set "$1" master br0
	addresses "$@"
}

site() { # SITE: a letter
	namespaces "server-$1" "edge-$1"
	routers "edge-$1"
	cable "server-$1" eth0 "edge-$1" lan
	addresses "edge-$1" lan "$overlay:$1::1/64"
	addresses "server-$1" eth0 "$overlay:$1::10/64"
	inside "server-$1" ip route add "$overlay::/48" via "$overlay:$1::1"
}

# A cone NAT keeps the port and lets answers in from hosts that the client has sent to. A symmetric NAT uses another
# port for each destination.
nat() { # SITE NUMBER cone|symmetric
	local random=''
	[[ $3 == cone ]] || random=random,fully-random
	namespaces "nat-$1"
	routers "nat-$1"
	cable "edge-$1" wan "nat-$1" in
	addresses "edge-$1" wan "100.64.$2.2/30"
	gateways "edge-$1" "100.64.$2.1"
	addresses "nat-$1" in "100.64.$2.1/30"
	on_internet "nat-$1" out "198.51.100.1$2/24"
	inside "nat-$1" nft -f - <<- EOF_NFT
		table ip cgnat {
			chain c_post { type nat hook postrouting priority srcnat; oifname "out" masquerade $random; }
			chain c_forward { type filter hook forward priority filter; policy drop; iifname "in" accept; ct state established,related accept; }
			chain c_input { type filter hook input priority filter; policy drop; }
		}
	EOF_NFT
}

relay_tunnel() { # DEVICE PORT ADDRESS
	tunnel relay "$1" "$3/128" "$2"
	relay_end[$1]=$3
}

# Like wg-quick. The route's source is the address from which the edge router answers, because the other sites do not
# allow its end of the tunnel.
edge_tunnel() { # SITE RELAY'S-DEVICE ENDPOINT
	local edge=wgr-$1
	tunnel "edge-$1" "$edge" "$tunnels::$1/128" "${port:?}"
	inside relay wg set "$2" peer "$(key "$edge")" allowed-ips "$overlay:$1::/64,$tunnels::$1/128"
	inside "edge-$1" wg set "$edge" peer "$(key "$2")" endpoint "$3" persistent-keepalive 25 \
		allowed-ips "$overlay::/48,${relay_end[$2]}/128"
	inside "edge-$1" ip route add "$overlay::/48" dev "$edge" src "$overlay:$1::1"
	inside "edge-$1" ip route add "${relay_end[$2]}" dev "$edge"
	inside relay ip route add "$overlay:$1::/64" dev "$2"
	inside relay ip route add "$tunnels::$1" dev "$2"
}

server_tunnels() { # SITE...: between each two of these
	local s t
	for s; do
		tunnel "server-$s" "wge-$s" "$mesh::$s/64" $mesh_port
		inside "server-$s" ip link set "wge-$s" mtu 1340
	done
	for s; do
		for t; do
			[[ $s == "$t" ]] || inside "server-$s" wg set "wge-$s" peer "$(key "wge-$t")" \
				endpoint "[$overlay:$t::10]:$mesh_port" allowed-ips "$mesh::$t/128"
		done
	done
}
