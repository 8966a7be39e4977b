#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# timeout: 300
# What may be configured together loads, on each kernel: its verifier adds up the stack of all that is in one program. BREAK=1 asks for
# what is refused, a guard beside the blind relay.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/lib.sh"

overlay=fd12:3456:789a
relay="peers: [ { name: site-b, device: lan, prefixes: [ \"$overlay:b::/64\" ] } ]
policy: { overlay: \"$overlay::/48\" }"
many="  - { name: many, listen: { interface: wan, ports: [ 51821 ] }, backend: { ipv4: 192.168.1.10, port: 51821 }, nat: masquerade, hairpin: true, deny: [ 192.0.2.0/24 ] }"
plain="  - { name: plain, listen: { interface: wan, ports: [ 51822 ] }, backend: { ipv4: 192.168.1.10, port: 51822 }, deny: [ 192.0.2.0/24 ] }"

loads() { # WHAT, and its configuration on standard input
	wgxdp up -c - > "$work/up" 2>&1 || fail "$1: $(tail -n 3 "$work/up")"
	say "ok $1: $(wgxdp show interfaces | grep -c 'native XDP\|generic XDP') interfaces with XDP"
	wgxdp down
}

choose_wireguard
firewall_network
tunnel firewall wgc$$ fd12:3456:7899::1/128 $port
key=$(wg genkey | wg pubkey)
inside firewall wg set wgc$$ peer "$key" allowed-ips "$overlay:a::/64"
with_guard() { # MORE of it
	echo "  - { name: guarded, listen: { interface: wan, ports: [ 51823 ] }, backend: { ipv4: 192.168.1.10, port: 51823 },
      wireguard: { public-key: \"$key\"$1 }, deny: [ 192.0.2.0/24 ] }"
}
guarded=$(with_guard ', strict: true, challenge: { above: 1000/s }') simple=$(with_guard '')
tunnels="follow: { wireguard: [ wgc$$ ], routes: [ main ] }
policy: { overlay: \"$overlay::/48\" }"
learn="learn: [ { interface: wgc$$ } ]"
blind="blind: { listen: { interface: wan, port: $port }, device: wgc$$ }"

loads 'services of all kinds' <<< "services:
$plain
$many"
loads 'with a guard' <<< "services:
$plain
$many
$guarded
$learn"
# What 6.1 has no patience for is refused with what to do, and nothing is left
may_load() {
	if [[ $(uname -r) == 6.1.* ]] && ! wgxdp up -c "$1" > "$work/up" 2>&1; then
		grep -q 'no patience for so much .* another --instance' "$work/up" || fail "refused, but how: $(tail -n 3 "$work/up")"
		expect 'what is left of it' "$(on_host firewall)" == "$before"
	else
		loads "$2" < "$1"
	fi
}
before=$(on_host firewall)
cat > "$work/cables" << EOF
services:
$many
$simple
$relay
EOF
may_load "$work/cables" 'and a relay of cables'
cat > "$work/tunnels" << EOF
services:
$plain
$many
$simple
$tunnels
$learn
EOF
may_load "$work/tunnels" 'and a relay of tunnels'
loads 'a relay and services' <<< "services:
$plain
$many
$tunnels
$learn"
loads 'the blind relay, beside all of that but the guard' <<< "services:
$plain
$many
${BREAK:+$guarded}
$tunnels
$learn
$blind"
say ok
