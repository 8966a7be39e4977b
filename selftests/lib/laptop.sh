# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: a host whose WireGuard peer has a name with several addresses.
#
#     laptop eth -- 192.0.2.0/24, 2001:db8:1::/64 -- home network lan -- eth server
#       wgl         name server at .53                        203.0.113.1 .2, 2001:db8:2::1 ::2     wgs
# shellcheck disable=SC2034
on=laptop

names() { # LINE...: replaces the name server's zone
	printf '%s\n' "$@" > "${work:?}/zone.new"
	mv "${work:?}/zone.new" "$work/zone"
}
name() { names "vpn.example.net ${ttl:-5} $*"; } # ADDRESS...: sets the addresses of vpn.example.net
endpoint() { inside laptop wg show wgl endpoints | awk -v key="$peer" '$1 == key {print $2}'; }
is_at() { expect 'endpoint' "$(endpoint)" == "$1"; }
is_there() { [[ $(endpoint) == "$1" ]]; }
broken() { inside home nft "$1" element inet broken "$2" "{ $3 }"; } # add|delete gone|dead ADDRESS: no packet reaches ADDRESS

laptop_network() {
	namespaces laptop home server
	routers home
	cable laptop eth home laptop
	cable home lan server eth
	addresses laptop eth 192.0.2.7/24 2001:db8:1::7/64
	addresses home laptop 192.0.2.1/24 192.0.2.53/24 2001:db8:1::1/64
	addresses home lan 203.0.113.254/24 2001:db8:2::ff/64
	addresses server eth 203.0.113.1/24 203.0.113.2/24 2001:db8:2::1/64 2001:db8:2::2/64
	gateways laptop 192.0.2.1 2001:db8:1::1
	gateways server 203.0.113.254 2001:db8:2::ff
	echo 'nameserver 192.0.2.53' > "$work/resolv.conf"
	mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
	names
	start home "${root:?}/selftests/lib/dns.py" 192.0.2.53 "$work/zone" > "$work/dns"
	wait_for 5 'the name server listens' grep -q listening "$work/dns"
	choose_wireguard
	tunnel laptop wgl 10.77.0.1/32
	tunnel server wgs 10.78.0.1/32 51820
	peer=$(key wgs)
	inside laptop wg set wgl peer "$peer" allowed-ips 10.78.0.1/32
	inside laptop ip route add 10.78.0.1/32 dev wgl
	inside server wg set wgs peer "$(key wgl)" allowed-ips 10.77.0.1/32
	inside server ip route add 10.77.0.1/32 dev wgs
	inside home nft -f - <<- EOF
		table inet broken {
			set gone { type ipv6_addr; flags interval; }
			set dead { type ipv4_addr; }
			chain forward { type filter hook forward priority 0; ip6 daddr @gone drop; ip daddr @dead drop; }
		}
	EOF
}
