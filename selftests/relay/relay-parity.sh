#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# A relay with wgxdp treats packets and replies as a relay with only the kernel's rules does, byte for byte. Sequences
# go through both: the first has only the rules (relay.nft), the second has wgxdp on top of them. Each packet must
# have the same result: what comes out at which site, byte for byte, and which errors. Both have the rules, so packets
# that wgxdp leaves to the kernel meet them too, and the counters show how many. Once with XDP on the NICs, once with
# tc. parity.py makes the packets, from a seed (relay-parity.sh [SEED]), and lists the intended differences. BREAK=1
# lets only wgxdp pass port 443 as well.
#
#     sites a, b  --- ta (TUN, MTU 1420)   relay   nn (nic, MTU 1500) --- fe80::d, gateway of site n
#     site c      --- tc (TUN, MTU 1380)           nx (nic, MTU 1400) --- site o, without a gateway
#                                                  tw (TUN) --- the rest of the world
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

overlay=fd12:3456:789a
errors="echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem"
rules='invalid established related ports connections types rest'

device() { # RELAY DEVICE MTU ADDRESS...
	inside "$1" ip link set "$2" mtu "$3" up
	addresses "$1" "$2" "${@:4}"
}

nic() { # RELAY DEVICE NUMBER MTU ADDRESS...: MACs are the same in both networks
	cable "$1-sites" "$2p" "$1" "$2"
	takes_xdp "$1-sites" "$2p"
	inside "$1-sites" ip link set "$2p" address "02:00:00:00:0$3:02"
	inside "$1" ip link set "$2" address "02:00:00:00:0$3:01"
	device "$1" "$2" "${@:4}"
}

# The sites and addresses of parity.py
network() { # RELAY
	local tun subnet host
	namespaces "$1" "$1-sites"
	routers "$1"
	# removes rate limits and random values, so that both relays send the same errors
	inside "$1" sysctl -qw net.ipv6.icmp.ratelimit=0 net.ipv6.icmp.ratemask= net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 \
		net.ipv6.auto_flowlabels=0
	inside "$1-sites" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	for tun in ta tc tw; do
		inside "$1" ip tuntap add dev $tun mode tun
		inside "$1" ip link set $tun addrgenmode none # like a WireGuard device, which has no such address and so sends no redirects
	done
	device "$1" ta 1420 fd99::1/128 10.1.0.254/16
	device "$1" tc 1380 fd99::2/128
	device "$1" tw 1500 2001:db8::1/64
	nic "$1" nn 1 1500 fd98:d::1/128
	nic "$1" nx 2 1400 $overlay:e00::ffff/56
	{
		printf 'route add %s dev ta\n' $overlay:a00::/56 $overlay:b00::/56 fd99::a/128 fd99::b/128
		printf 'route add %s dev tc\n' $overlay:c00::/56 fd99::c/128
		echo 'neigh add fe80::d lladdr 02:00:00:00:01:02 dev nn nud permanent'
		echo "route add $overlay:d00::/56 via fe80::d dev nn"
		for subnet in {0..255}; do
			for host in {1..6}; do
				printf 'neigh add %s:e%02x::%d lladdr 02:00:00:00:02:02 dev nx nud permanent\n' $overlay "$subnet" "$host"
			done
		done
		echo 'route add default dev tw'
	} > "$work/batch"
	inside "$1" ip -6 -batch "$work/batch"
	inside "$1" ip route add default dev tw
	inside "$1" nft -D 'tunnel={ ta, tc, nn, nx }' -D overlay=$overlay::/48 \
		-D "types={ $errors, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }" -f selftests/lib/relay.nft
}

hits() { # RELAY RULE...: prints how often all of these decided
	local rule
	inside "$1" nft list chain inet relay c_forward > "$work/chain"
	for rule in "${@:2}"; do
		sed -nE "s/.*packets ([0-9]+) .*comment \"$rule\"/\1/p" "$work/chain"
	done | awk '{sum += $1} END {print sum + 0}'
}

compare() { # MODE MODE-OF-NICS
	local rule all left
	network reference
	network relay
	wgxdp up -c "$work/wgxdp.yaml" --mode "$1" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
	expect "$1: modes" "$(shown get interfaces.ta.mode interfaces.nn.mode interfaces.nx.mode)" == "tc $2 $2"
	selftests/lib/parity.py "$seed" reference relay > "$work/parity" 2>&1 || fail "$1: $(< "$work/parity")"
	for rule in $rules; do
		expect "$1: decided by the rule '$rule' of the reference" "$(hits reference "$rule")" '>=' 10
	done
	# shellcheck disable=SC2086 # words
	all=$(hits reference $rules) left=$(hits relay $rules)
	expect "$1: of $all packets that met these rules in the reference never met them in wgxdp's relay" $((all - left)) '>=' 400
	wgxdp show --json > "$work/shown"
	expect "$1: packets that wgxdp itself forwarded or dropped" "$(/usr/bin/python3 -ISc 'import json, sys
print(sum(p["rx"]["forwarded"] + p["rx"]["dropped"] for p in json.load(sys.stdin)["peers"]))' < "$work/shown")" '>=' 400
	wgxdp down
	ip netns list | awk '{print $1}' | xargs -n 1 ip netns del
	same=$((same + $(awk 'END {print $1}' "$work/parity"))) sequences=$((sequences + $(awk 'END {print $3}' "$work/parity")))
	say "$(head -n 2 "$work/parity" | tr '\n' ',') $1: $(tail -n 1 "$work/parity")"
	seed=$((seed + 1))
}

need_tun
on=relay
seed=${1:-1} same=0 sequences=0
cat > "$work/wgxdp.yaml" <<- YAML
	peers:
	  - { name: a, device: ta, prefixes: [ "$overlay:a00::/56", "fd99::a" ] }
	  - { name: b, device: ta, prefixes: [ "$overlay:b00::/56", "fd99::b" ] }
	  - { name: c, device: tc, prefixes: [ "$overlay:c00::/56", "fd99::c" ] }
	  - { name: n, device: nn, prefixes: [ "$overlay:d00::/56" ] }
	  - { name: o, device: nx, prefixes: [ "$overlay:e00::/56" ] }
	  - { name: gone, device: wg-gone, prefixes: [ "$overlay:f00::/56" ] }
	policy: { overlay: "$overlay::/48", udp-ports: [ 58000-60000${BREAK:+, 443} ], tcp-ports: [ 5432, 9000-9009 ] }
YAML
compare auto native
compare tc tc
say "ok $same of $sequences"
