#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# The rules that `gen hosts` makes treat each packet as the rules written by hand do, in a relay and an edge router.
# The same packets go through two routers of scenario S. The first has rules written by hand (relay.nft, edge.nft),
# the second those that `gen hosts` makes from docs/examples/topology/two-sites.yaml. Each packet must have the same
# result: accepted by the router, forwarded, refused with the same error, or dropped. This holds for the relay and an
# edge router, in their input and forward chains. Counters confirm that each rule by hand decided often enough. The
# forward chain of `gen nft` for the relay's configuration must match too. gen_nft_parity.py makes the packets, from a seed
# (gen-nft-parity.sh [SEED]). BREAK=1 changes one number in the generated rules, BREAK=N removes the Nth of them.
#
#     the world --- eth0 (TUN)  relay  wgvpnr01 (TUN) --- sites a, b, c
#
#     the world --- wan (TUN)   edge   wgvpnr01 (TUN) --- sites b, c
#                                      lan (TUN) -------- site a
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

overlay=fd12:3456:789a
errors="echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem" # a router can forward these, and no neighbour discovery
seed=${1:-1}
routes4='10.1.0.0/16 10.2.0.0/16' # the IPv4 routes in the LAN, and in the tunnel

tun() { # ROUTER DEVICE ADDRESS...
	inside "$1" ip tuntap add dev "$2" mode tun
	inside "$1" ip link set "$2" addrgenmode none # like a WireGuard device, which has no such address and so sends no redirects
	inside "$1" ip link set "$2" up
	addresses "$1" "$2" "${@:3}"
}

router() { # NAME
	namespaces "$1"
	routers "$1"
	# removes rate limits and random values, so that both routers send the same errors
	inside "$1" sysctl -qw net.ipv6.icmp.ratelimit=0 net.ipv6.icmp.ratemask= net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 \
		net.ipv6.auto_flowlabels=0 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
}

relay() { # NAME
	router "$1"
	tun "$1" eth0 2001:db8::1/64 192.0.2.1/24
	tun "$1" wgvpnr01 fd12:3456:7899::1/128 10.2.0.1/32
	inside "$1" ip -6 route add default dev eth0
	inside "$1" ip route add default dev eth0
	for route in $overlay:{a,b,c}::/64 $routes4; do inside "$1" ip route add "$route" dev wgvpnr01; done
}

edge() { # NAME: routes a part of the LAN's prefix into the tunnel, so that the rules must refuse it
	router "$1"
	tun "$1" wan 2001:db8::1/64 192.0.2.1/24
	tun "$1" lan $overlay:a::1/64 10.1.0.1/16
	tun "$1" wgvpnr01 fd12:3456:7899::a/128 10.2.0.1/16
	inside "$1" ip -6 route add default dev wan
	inside "$1" ip route add default dev wan
	for route in $overlay::/48 $overlay:a:dead::/80; do inside "$1" ip -6 route add "$route" dev wgvpnr01; done
}

# Changes a rule other than the set and the table itself
broken() {
	case ${BREAK:-} in
	'') cat ;;
	1) sed 's/58000-60000/58000-60001/; s/dport 33434-33474/dport 33434-33475/' ;;
	*) awk -v n="$BREAK" '/^\t\t/ && !/^\t\ttype/ && ++i == n {print "taken out:" $0 > "/dev/stderr"; next} {print}' ;;
	esac
}

hits() { # KIND REFERENCE: prints the lowest count of a rule in it
	inside "$2" nft list table inet "$1" | sed -nE 's/.*packets ([0-9]+) .*comment "(.*)"/\1 \2/p' | sort -n > "$work/hits"
	expect "$1: rules by hand" "$(wc -l < "$work/hits")" == "$(grep -c comment "selftests/lib/$1.nft")"
	expect "$1: decisions by the rule '$(head -n 1 "$work/hits" | cut -d ' ' -f 2-)', which had fewest" \
		"$(head -n 1 "$work/hits" | cut -d ' ' -f 1)" '>=' 10
}

compare() { # KIND RULES [DEFINITION...]: compares a router with selftests/KIND.nft and one with these rules
	"$1" reference
	"$1" generated
	inside reference nft "${@:3}" -D tunnel=wgvpnr01 -D overlay=$overlay::/48 -f "selftests/lib/$1.nft"
	broken < "$2" > "$work/rules"
	inside generated nft -c -f "$work/rules"
	inside generated nft -f "$work/rules"
	inside generated nft -f "$work/rules" # again
	selftests/lib/gen_nft_parity.py "$seed" "$1" reference generated > "$work/parity" 2>&1 || fail "$1: $(< "$work/parity")"
	while read -r chain packets taken passed refused lost said; do
		expect "$1: $chain, $said: packets" "$packets" '>=' 500
		let_in=$passed
		[[ $chain != input ]] || let_in=$taken
		expect "$1: $chain: $taken taken, $passed passed or answered, $refused refused, $lost lost; the least of what is its own" \
			"$(printf '%s\n' "$let_in" "$refused" "$lost" | sort -n | head -n 1)" '>=' 10
		all=$((all + packets))
	done < "$work/parity"
	hits "$1" reference
	ip netns del reference
	ip netns del generated
}

need_tun
all=0
sed 's/^# tcp-ports:.*/tcp-ports: [ 22 ]\npolicy: { tcp-ports: [ 5432, 9000-9009 ] }/' docs/examples/topology/two-sites.yaml > "$work/two-sites.yaml"
"$wgxdp" gen hosts "$work/two-sites.yaml" -o "$work/hosts" > "$work/made"
sed -i '/elements = { 22 }/d; /Prometheus/d' "$work"/hosts/*/etc/nftables.d/wgxdp.nft # the rules by hand lack these
compare relay "$work/hosts/relay/etc/nftables.d/wgxdp.nft" -D "types={ $errors }"
compare edge "$work/hosts/edge-a1/etc/nftables.d/wgxdp.nft" -D lan=lan -D site=$overlay:a::/64 -D "types={ $errors }"
namespaces relay
inside relay "$wgxdp" gen nft -c "$work/hosts/relay/etc/wgxdp/wgxdp.yaml" > "$work/relay.nft" 2> "$work/warnings"
sed '/^\tchain forward {/,/^\t}/d' "$work/hosts/relay/etc/nftables.d/wgxdp.nft" >> "$work/relay.nft"
compare relay "$work/relay.nft" -D "types={ $errors }"
say "ok $all packets"
