#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# Doctor reports no problem and no warning on twenty healthy hosts. Sixteen of them are firewalls with different
# configurations and rules, and a client that asks all the time. V is a VPS with one interface before an IPv6 home, and
# runs WireGuard. R follows a road warrior, E is a client whose endpoint the daemon follows, and S is a blind relay. A
# router that refuses doctor's probe gives a warning. BREAK=1 puts a fault into the first.
#
#     client -- wan firewall lan -- wg-end         uplink vps -- eth0 vps; uplink home -- eth home
#     r1 -- nat -- net -- wan r2                   laptop wifi -- internet            relay eth0 -- site
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/warrior.sh"

hosts=0
well() { # WHAT [ARGUMENT of doctor...]
	healthy "$@"
	hosts=$((hosts + 1))
}

# --- firewalls

firewalls() {
	firewall_network
	gateways firewall 198.51.100.7 2001:db8:1::7
	start_listener wg-end wg-end4 -e 192.168.1.10:$port
	start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
	echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
	printf '%s\n' '127.0.0.1 localhost' '192.168.1.10 wg-end.example.net' > "$work/hosts"
	mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
	mount --bind "$work/hosts" /etc/hosts
	echo 203.0.113.0/24 > "$work/blocklist"
}

talks() { # a client of each family
	while :; do
		inside client "$udptool" ask -n 5 -r 50 -w 100 198.51.100.7:4000 198.51.100.1:$port || :
		inside client "$udptool" ask -n 5 -r 50 -w 100 '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port" || :
	done
} > /dev/null 2>&1

# A service `wg-end` with these keys on a firewall that is up; or with a daemon
firewall() { # WHAT KEYS [LINE of the configuration]
	cat > "$work/firewall.yaml" <<- YAML
		services:
		  - { name: wg-end, $2 }
		${3:-}
	YAML
	on=firewall
	${4:-instance_up} firewall
	[[ ! ${BREAK:-} ]] || inside firewall sysctl -qw net.ipv4.ip_forward=0
	well "$1" --instance firewall
	wgxdp down --instance firewall > /dev/null
}
followed() { firewall "$1" "$2" "${3:-}" instance_followed; }

warrior() {
	warrior_network
	cat > "$work/r2.yaml" <<- EOF
		interfaces: [ { name: wan, role: wan } ]
		learn: [ { interface: wg2, knock: { port: 19000 } } ]
	EOF
	wait_for 20 'the tunnel of the road warrior' pings
	instance_followed r2
	well R --instance r2
}

laptop() {
	namespaces laptop internet
	cable laptop wifi internet laptop
	addresses laptop wifi 192.168.7.2/24
	addresses internet laptop 192.168.7.1/24
	gateways laptop 192.168.7.1
	tunnel laptop wgl 10.78.0.2/32
	tunnel internet wgs 10.78.0.1/32 51820
	inside internet wg set wgs peer "$(key wgl)" allowed-ips 10.78.0.2/32
	inside laptop wg set wgl peer "$(key wgs)" allowed-ips 10.78.0.1/32 endpoint 192.168.7.1:51820
	inside laptop ip route add 10.78.0.1/32 dev wgl
	inside internet ip route add 10.78.0.2/32 dev wgs
	wait_for 20 "the laptop's tunnel" inside laptop ping -q -c 1 -W 1 10.78.0.1
	echo "endpoints: [ { interface: wgl, peer: \"$(key wgs)\", host: 192.168.7.1, port: 51820 } ]" > "$work/laptop.yaml"
	on=laptop
	well E -c "$work/laptop.yaml"
}

blind() {
	namespaces relay site
	routers relay
	cable relay eth0 site eth
	takes_xdp site eth
	addresses relay eth0 198.51.100.1/24
	addresses site eth 198.51.100.2/24
	tunnel relay wgb fd12:3456:7899::1/128 $port
	tunnel site wgsite fd12:3456:7899::a/128
	inside relay wg set wgb peer "$(key wgsite)" allowed-ips fd12:3456:7899::a/128
	inside site wg set wgsite peer "$(key wgb)" allowed-ips fd12:3456:7899::1/128 endpoint 198.51.100.1:$port
	inside site ip route add fd12:3456:7899::1 dev wgsite
	inside relay ip route add fd12:3456:7899::a dev wgb
	wait_for 20 "the site's tunnel" inside site ping -q -c 1 -W 1 fd12:3456:7899::1
	echo "blind: { listen: { interface: eth0, port: $port }, device: wgb }" > "$work/relay.yaml"
	instance_followed relay
	well S --instance relay
}

vps() {
	namespaces vps uplink home
	routers vps uplink
	cable vps eth0 uplink vps
	cable home eth uplink home
	takes_xdp uplink vps
	addresses uplink vps 203.0.113.254/24 2001:db8:0:1::ffff/64
	addresses uplink home 2001:db8:9::1/64
	addresses vps eth0 203.0.113.1/24 2001:db8:0:1::1/64
	addresses home eth 2001:db8:9::10/64
	gateways vps 203.0.113.254 2001:db8:0:1::ffff
	gateways home 2001:db8:9::1
	start_listener home at-home "[2001:db8:9::10]:$port"
	tunnel vps wgv 10.200.200.1/24 51821
	inside vps nft -f - <<- EOF
		table inet vps {
			chain c_input { type filter hook input priority 0; policy drop; ct state established,related accept; iifname { "lo", "wgv" } accept;
				udp dport 51821 accept; meta l4proto { icmp, ipv6-icmp } accept; }
			chain c_out { type nat hook postrouting priority srcnat; ip saddr 10.200.200.0/24 oifname "eth0" masquerade; }
		}
	EOF
	cat > "$work/vps.yaml" <<- EOF
		services:
		  - { name: home, listen: { interface: eth0, ports: [ $port ] }, backend: { ipv6: "2001:db8:9::10", port: $port }, nat: masquerade }
	EOF
	instance_up vps
	well V --instance vps
	inside uplink nft -f - <<- EOF
		table inet filter { chain c_forward { type filter hook forward priority 0; udp dport $port reject; }; }
	EOF
	content --instance vps
	[[ $(found warning found | grep -v clock) == 'the router 2001:db8:0:1::ffff refuses'* ]] || fail "a router that refuses: $(< "$work/doctor.json")"
}

choose_wireguard
firewalls
clients="listen: { interface: wan, ports: [ $port ] }"
four="backend: { ipv4: 192.168.1.10, port: $port }"
six="backend: { ipv6: \"2001:db8:2::10\", port: $port }"
both="backend: { ipv4: 192.168.1.10, ipv6: \"2001:db8:2::10\", port: $port }"
own=$(wg genkey | wg pubkey)
talks &
talker=$!
firewall 'dnat' "$clients, $four"
firewall 'dnat, both families' "$clients, $both, ipv6: dnat"
firewall 'IPv6 directly' "$clients, $both, ipv6: direct"
firewall 'no translation' "listen: { interface: wan }, $both, nat: none"
firewall 'masquerade' "$clients, $four, nat: masquerade"
firewall 'from IPv4 to IPv6' "$clients, $six, nat: masquerade"
firewall 'an address' "listen: { addresses: [ 198.51.100.1 ], ports: [ $port ] }, $four"
firewall 'clients in the LAN' "$clients, $four, hairpin: true"
firewall 'a guard' "$clients, $four, wireguard: { public-keys: [ \"$own\" ] }"
firewall 'tc' "$clients, $four" 'interfaces: [ { name: wan, role: wan, mode: tc } ]'
inside firewall sysctl -qw net.ipv4.conf.wan.rp_filter=1 net.ipv4.conf.lan.rp_filter=1
firewall 'a strict rp_filter' "$clients, $four, deny: [ 203.0.113.0/24 ]"
inside firewall nft -f - <<- 'NFT'
	table inet filter {
		set bad { type ipv4_addr; elements = { 192.0.2.7 }; }
		set bad6 { type ipv6_addr; elements = { 2001:db8:bad::1 }; }
		chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "lan" accept;
			ip saddr @bad drop; ip6 saddr @bad6 drop; }
		chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iifname { "lo", "lan" } accept;
			meta l4proto { icmp, ipv6-icmp } accept; tcp dport 22 accept; }
	}
NFT
followed 'a set, and rules of its own' "$clients, $four, deny: [ { nft-set: \"inet filter bad\" } ]"
inside firewall nft flush ruleset
followed 'a file' "$clients, $four, allow: [ 198.51.100.0/24 ], deny: [ { file: $work/blocklist } ]"
followed 'a name' "$clients, backend: { ipv4: wg-end.example.net, port: $port }"
followed 'a challenge' "$clients, $four, wireguard: { public-keys: [ \"$own\" ], challenge: { above: 2000/s } }"
followed 'an exporter' "$clients, $four" 'exporter: { listen: [ "127.0.0.1:9851" ] }'
kill $talker
wait $talker || :
vps
warrior
laptop
blind
expect 'healthy hosts' $hosts == 20
