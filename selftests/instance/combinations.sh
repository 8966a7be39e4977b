#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# timeout: 300
# Every feature of the configuration loads, alone and together, on each kernel. The last one is
# docs/examples/config/everything.yaml, on a host with a VLAN, a bridge, a virtual router and tunnels: every switch of
# the data path is on. BREAK=1 leaves out the section learn.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                                     wan.7, vrrp      br-lan
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

overlay=fd12:3456:789a
relay="peers: [ { name: site-b, device: lan, prefixes: [ \"$overlay:b::/64\" ] } ]
policy: { overlay: \"$overlay::/48\" }"
many="  - { name: many, listen: { interface: wan, ports: [ 51821 ] }, backend: { ipv4: 192.168.1.10, port: 51821 }, nat: masquerade, hairpin: true, deny: [ 192.0.2.0/24 ] }"
plain="  - { name: plain, listen: { interface: wan, ports: [ 51822 ] }, backend: { ipv4: 192.168.1.10, port: 51822 }, deny: [ 192.0.2.0/24 ] }"

loads() { # WHAT [CHECK]: loads the configuration on standard input
	wgxdp up -c - > "$work/up" 2>&1 || fail "$1: $(tail -n 3 "$work/up")"
	say "ok $1: $(wgxdp show interfaces | grep -c 'native XDP\|generic XDP') interfaces with XDP"
	[[ ! ${2:-} ]] || "$2"
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
loads 'and a relay of cables' <<< "services:
$many
$simple
$relay"
loads 'and a relay of tunnels' <<< "services:
$plain
$many
$simple
$tunnels
$learn"
loads 'a relay and services' <<< "services:
$plain
$many
$tunnels
$learn"
loads 'the blind relay, beside all of that and the guard' <<< "services:
$plain
$many
$guarded
$tunnels
$learn
$blind"

# Prints the switches that are off in the running programs. An overlay is a /48 with subnets, or it has /64 routes.
switches_off() {
	local maps id
	maps=$(bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_tc | grep -oE '"map_ids":\[[0-9,]+' | grep -oE '[0-9,]+$')
	for id in ${maps//,/ }; do
		bpftool -j map show id "$id" | holds '[.]rodata"' || continue
		bpftool -j map dump id "$id" | grep -oE '"with_[a-z0-9_]*":(false|0)\b' | grep -v with_routes64 | tr -d '\n'
		return 0
	done
	fail 'no switches'
}
everything() { # creates the devices that the file names
	local name
	# the device lacks these sites
	sed "s/wgblind/wgc$$/; s/wgroutes/wgr$$/; s/wgup/wgu$$/; s/wghome/wgh$$/; /^  \(sites\|pairs\): .*site-c/d" docs/examples/config/everything.yaml > "$work/everything.yaml"
	inside firewall ip link add link wan name wan.7 up type vlan id 7 2> /dev/null || no_vlans
	inside firewall ip link add link wan name vrrp address 00:00:5e:00:01:33 type macvlan mode private
	inside firewall ip link add br-lan type bridge
	cable firewall br-port wg-end br-end
	inside firewall ip link set br-port master br-lan
	for name in vrrp br-lan; do inside firewall ip link set "$name" up; done
	addresses firewall br-lan 192.168.2.1/24
	for name in wgu wgh; do
		tunnel firewall $name$$ 10.80.0.1/24
		inside firewall wg set $name$$ peer YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=
	done
	cp /etc/hosts "$work/hosts"
	echo '192.0.2.8 vpn.example.net' >> "$work/hosts"
	mount --bind "$work/hosts" /etc/hosts
	[[ ! ${BREAK:-} ]] || sed -i '/^learn:/,/knock:/d' "$work/everything.yaml"
}
no_vlans() { # this kernel has no VLANs
	no_vlans='"with_vlans":false'
	sed -i '/wan[.]7/d' "$work/everything.yaml"
}
no_vlans=''
check_everything() {
	expect 'switches that are off' "$(switches_off)" == "$no_vlans"
	expect 'programs' "$(find /sys/fs/bpf/wgxdp/default/progs -type f | wc -l)" == 8
}
everything
tunnel firewall wgr$$ fd12:3456:7898::1/128
ddns_files
example_lists firewall
wgxdp check -c "$work/everything.yaml" > "$work/check" 2>&1 || fail "check: $(< "$work/check")"
loads 'everything' check_everything < "$work/everything.yaml"
say ok
