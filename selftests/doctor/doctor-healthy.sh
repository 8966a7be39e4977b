#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Doctor reports no problem and no warning on healthy hosts. Scenario F is a firewall with both families and a ruleset
# of its own. Scenario V is a VPS with one interface before an IPv6 home, and runs WireGuard. A list of unwanted
# sources that XDP bypasses gives a warning, which has a fix. Rules of the host itself, and of a router, that refuse
# doctor's probe do not make the backend a problem. R, E and S: selftests/doctor/doctor-tunnels.sh. BREAK=1 puts a
# fault into the firewall.
#
#     client -- wan firewall lan -- wg-end         uplink vps -- eth0 vps; uplink home -- eth home
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

firewall() {
	firewall_network
	inside firewall nft -f - <<- EOF
		table inet filter {
			chain c_forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "lan" accept; }
			chain c_input { type filter hook input priority 0; policy drop; ct state established,related accept; iifname { "lo", "lan" } accept;
				meta l4proto { icmp, ipv6-icmp } accept; tcp dport 22 accept; }
		}
	EOF
	start_listener wg-end wg-end4 -e 192.168.1.10:$port
	start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
	service_file dnat
	mv "$work/wgxdp.yaml" "$work/firewall.yaml"
	on=firewall
	healthy 'F, before up' -c "$work/firewall.yaml"
	instance_up firewall
	question || fail 'F: nothing passes'
	[[ ! ${BREAK:-} ]] || inside firewall sysctl -qw net.ipv4.conf.wan.forwarding=0
	healthy F --instance firewall
}

# The firewall sends nothing itself
own_rules() {
	local refuse
	on=firewall
	for refuse in drop reject; do
		inside firewall nft -f - <<- EOF
			table inet own {
				chain c_output { type filter hook output priority 0; policy drop; meta l4proto { icmp, ipv6-icmp } accept; udp dport $port $refuse; }
			}
		EOF
		healthy "F, its own packets: $refuse" --instance firewall
		[[ $(found ok found | grep -c '^not probed') == 2 ]] || fail "$refuse: doctor says $(found ok found)"
		inside firewall nft delete table inet own
	done
}

blocklist() {
	inside firewall nft -f - <<- EOF
		table inet filter {
			set unwanted { type ipv4_addr; flags interval; elements = { 203.0.113.0/24, 198.51.100.7 }; }
			chain c_forward { iifname "wan" ip saddr @unwanted drop; }
		}
	EOF
	on=firewall
	content --instance firewall
	[[ $(found warning) == blocklist ]] || fail "a list that XDP goes around: $(< "$work/doctor.json")"
	cure=$(found warning fix)
	heals
	! question || fail 'after the fix, a denied client passes'
	healthy 'F, its list told to wgxdp' --instance firewall
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
	healthy V --instance vps
	inside uplink nft -f - <<- EOF
		table inet filter { chain c_forward { type filter hook forward priority 0; udp dport $port reject; }; }
	EOF
	content --instance vps
	[[ $(found warning found | grep -v clock) == 'the router 2001:db8:0:1::ffff refuses'* ]] || fail "a router that refuses: $(< "$work/doctor.json")"
}

choose_wireguard
firewall
own_rules
blocklist
vps
