#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Doctor reports no problem and no warning on a healthy firewall with both families and a ruleset of its own. A set of
# unwanted clients that XDP bypasses gives a warning, and its fix makes the service follow the set. Rules of the host
# itself that refuse doctor's probe do not make the backend a problem. More healthy hosts:
# selftests/doctor/doctor-hosts.sh. BREAK=1 puts a fault into the firewall.
#
#     client -- wan firewall lan -- wg-end
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

daemon_runs() { wgxdp show metrics --instance firewall | holds -xF 'wgxdp_daemon_running 1'; }
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
	[[ $cure == *"'nft-set:inet filter unwanted'"* ]] || fail "the fix does not name the set: $cure"
	heals
	! question || fail 'after the fix, a denied client passes'
	wait_for 10 'the fix has started the daemon' daemon_runs
	healthy 'F, its set followed by wgxdp' --instance firewall
	inside firewall nft delete element inet filter unwanted '{ 198.51.100.7 }'
	wait_for 4 'the client is admitted again' question
	wgxdp down --instance firewall > /dev/null
}

choose_wireguard
firewall
own_rules
blocklist
