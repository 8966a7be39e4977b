# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: a path with two tunnels, one by each family, and checks of `wgxdp mtu`.
#
#     laptop eth -- 192.0.2.0/24, 2001:db8:1::/64 -- laptop router lan -- 203.0.113.0/24, 2001:db8:2::/64 -- eth server
#       mtu4l 10.4.0.2, fd00:4::2 = = = = = = = = = over IPv4 = = = = = = = = = = = = = 10.4.0.1, fd00:4::1 mtu4s
#       mtu6l 10.6.0.2, fd00:6::2 = = = = = = = = = over IPv6 = = = = = = = = = = = = = 10.6.0.1, fd00:6::1 mtu6s
# shellcheck disable=SC2034
on=laptop
asked=()

# NAME STATUS ARGUMENT...: runs wgxdp mtu in the background; its output is NAME.json
asks() {
	local name=$1 expected=$2
	shift 2
	{
		local status=0
		inside laptop "${wgxdp:?}" mtu --json "$@" > "${work:?}/$name.json" 2> "$work/$name.errors" || status=$?
		echo "$status $expected" > "$work/$name.status"
	} &
	asked+=("$!")
}
answered() {
	wait "${asked[@]}"
	asked=()
}
# NAME [ROW.]KEY VALUE
says() {
	local is
	is=$(/usr/bin/python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["targets"][int(sys.argv[2])].get(sys.argv[3], "none"))' "$work/$1.json" \
		"$([[ $2 == *.* ]] && echo "${2%.*}" || echo 0)" "${2#*.}")
	[[ $is == "$3" ]] || fail "$1: $2 is $is, expected $3: $(< "$work/$1.json") $(< "$work/$1.errors")"
	say "ok $1: $2 $is"
}
ended() { # NAME...
	local name is wanted
	for name; do
		read -r is wanted < "$work/$name.status"
		[[ $is == "$wanted" ]] || fail "$name: exit status $is, expected $wanted: $(< "$work/$name.json") $(< "$work/$name.errors")"
		say "ok $name: exit status $is"
	done
}
passes() { inside laptop ping -q -c 3 -i 0.1 -W 1 -M "do" -s $(($2 - ${3:-28})) "$1" > /dev/null; } # ADDRESS SIZE [HEADERS]

network() {
	namespaces laptop router server
	routers router
	cable laptop eth router laptop
	cable router lan server eth
	addresses laptop eth 192.0.2.7/24 2001:db8:1::7/64
	addresses router laptop 192.0.2.1/24 2001:db8:1::1/64
	addresses router lan 203.0.113.254/24 2001:db8:2::ff/64
	addresses server eth 203.0.113.1/24 2001:db8:2::1/64
	gateways laptop 192.0.2.1 2001:db8:1::1
	gateways server 203.0.113.254 2001:db8:2::ff
	choose_wireguard
	for v in 4 6; do
		tunnel laptop mtu${v}l 10.$v.0.2/24
		tunnel server mtu${v}s 10.$v.0.1/24 5182$v
		addresses laptop mtu${v}l fd00:$v::2/64
		addresses server mtu${v}s fd00:$v::1/64
		inside server wg set mtu${v}s peer "$(key mtu${v}l)" allowed-ips 10.$v.0.2/32,fd00:$v::2/128
	done
	inside laptop wg set mtu4l peer "$(key mtu4s)" endpoint 203.0.113.1:51824 allowed-ips 10.4.0.0/24,fd00:4::/64
	inside laptop wg set mtu6l peer "$(key mtu6s)" endpoint '[2001:db8:2::1]:51826' allowed-ips 10.6.0.0/24,fd00:6::/64
	printf '%s\n' '203.0.113.1 server.example.net' '2001:db8:2::1 server.example.net' > "$work/hosts"
	mount --bind "$work/hosts" /etc/hosts
}

# The router drops packets longer than SIZE, and ICMP errors
hole() { # SIZE
	inside router nft -f - <<- END
		table inet hole {
			chain forward { type filter hook forward priority 0; meta length > $1 drop; icmp type destination-unreachable drop;
				icmpv6 type { destination-unreachable, packet-too-big } drop; }
		}
	END
}
