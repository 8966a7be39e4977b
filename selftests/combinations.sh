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
	wgxdp up -c - > "$work/up" 2>&1 || fail "$1: $(WGXDP_LIBBPF=1 tail -n 5 "$work/up")"
	say "ok $1: $(wgxdp show interfaces | grep -c 'native XDP\|generic XDP') interfaces with XDP"
	wgxdp down
}

choose_wireguard
firewall_network
tunnel firewall wgc$$ fd12:3456:7899::1/128 $port
key=$(wg genkey | wg pubkey)
inside firewall wg set wgc$$ peer "$key" allowed-ips "$overlay:a::/64"
guarded="  - { name: guarded, listen: { interface: wan, ports: [ 51823 ] }, backend: { ipv4: 192.168.1.10, port: 51823 },
      wireguard: { public-key: \"$key\", strict: true, challenge: { above: 1000/s } }, deny: [ 192.0.2.0/24 ] }"
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
loads 'and a relay of cables' <<< "services:
$many
$guarded
$relay"
loads 'and a relay of tunnels' <<< "services:
$plain
$many
$guarded
$tunnels
$learn"
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
