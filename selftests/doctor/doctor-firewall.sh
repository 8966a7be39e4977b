#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Doctor names the rule that drops packets to or from WireGuard on this host, and each rule that bans clients of a
# service, whatever program made the rule. Its fix works. Rules for other packets cause no finding. BREAK=1 leaves out
# all rules: then doctor must name none.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

choose_wireguard
firewall_network
gateways firewall 198.51.100.7 2001:db8:1::7
start_listener wg-end four -e 192.168.1.10:$port
start_listener wg-end six -e "[2001:db8:2::10]:$port"
wgf=wgf$$
tunnel firewall $wgf fd12:3456:7899::1/128 51999
for site in a b; do
	declare "$site=$(wg genkey | wg pubkey)"
	inside firewall wg set $wgf peer "${!site}" allowed-ips fd12:3456:789a:$site::/64
	inside firewall ip route add fd12:3456:789a:$site::/64 dev $wgf
done
service_file dnat
cat >> "$work/wgxdp.yaml" <<- YAML
	peers:
	  - { name: site-a, public-key: "$a", device: $wgf, prefixes: [ "fd12:3456:789a:a::/64" ] }
	  - { name: site-b, public-key: "$b", device: $wgf, prefixes: [ "fd12:3456:789a:b::/64" ] }
	policy: { overlay: "fd12:3456:789a::/48" }
YAML
cp "$work/wgxdp.yaml" "$work/first.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
with_ipset=1
command -v ipset > /dev/null && inside firewall ipset create probe hash:ip 2> /dev/null || with_ipset=

clear_rules() {
	local table
	inside firewall nft flush ruleset
	for table in filter nat mangle raw; do
		inside firewall iptables-legacy -t $table -F 2> /dev/null || :
		inside firewall ip6tables-legacy -t $table -F 2> /dev/null || :
	done
	inside firewall iptables-legacy -P INPUT ACCEPT
	inside firewall ip6tables-legacy -P INPUT ACCEPT
}

load() { # PROGRAM [ARGUMENT...]: loads the rules on standard input
	clear_rules
	[[ ${BREAK:-} ]] || inside firewall "$@"
}
legacy() { # RULE...: each of them for iptables-legacy
	local rule words
	clear_rules
	for rule; do
		read -ra words <<< "$rule"
		[[ ${BREAK:-} ]] || inside firewall "${words[@]}"
	done
}

said() { wgxdp doctor | grep -E '^[a-z]+ +(nft|blocklist)' -A 1 || :; }

banned() { # WHAT WORD...: each word must be in the warning of doctor
	local what=$1 word warned
	content
	warned=$(found warning found | grep 'forwards them before it' || :)
	for word in "${@:2}"; do [[ $warned == *"$word"* ]] || fail "$what: '$word' is not in: $(said)"; done
	say "ok $what: $warned"
}
heals_ban() { # runs the fix, after which doctor warns no more
	cure=$(found warning fix | grep 'service deny add')
	heals
	content
	! found warning found | holds 'forwards them before it' || fail "the fix is not enough: $(said)"
	cp "$work/first.yaml" "$work/wgxdp.yaml"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
}
refused() { # WHAT WORD...: a problem, whose fix works
	local what=$1 word found
	names nft
	found=$(found problem found)
	for word in "${@:2}"; do [[ $found == *"$word"* ]] || fail "$what: '$word' is not in: $found"; done
	heals
	content
}
calm() { # WHAT
	content
	! found warning | holds -E 'nft|blocklist' || fail "$1: doctor warns: $(found warning found)"
	say "ok $1: nothing to say"
}

# --- rules that ban clients

load iptables-restore <<- 'R'
	*filter
	:FORWARD DROP [0:0]
	-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	-A FORWARD -i lan -j ACCEPT
	-A FORWARD -s 203.0.113.7/32 -j DROP
	COMMIT
R
banned 'a DROP behind ctstate' 'ip filter FORWARD handle' '203.0.113.7'
heals_ban
load iptables-restore <<- 'R'
	*filter
	:FORWARD ACCEPT [0:0]
	:f2b-wg - [0:0]
	-A FORWARD -p udp -m multiport --dports 51820 -j f2b-wg
	-A f2b-wg -s 203.0.113.7/32 -j REJECT --reject-with icmp-port-unreachable
	-A f2b-wg -j RETURN
	COMMIT
R
banned 'a REJECT of fail2ban' 'ip filter f2b-wg handle' '203.0.113.7/32'
load iptables-restore <<- 'R'
	*mangle
	:PREROUTING ACCEPT [0:0]
	-A PREROUTING -m iprange --src-range 203.0.113.1-203.0.113.9 -m comment --comment "a long one" -j DROP
	COMMIT
R
banned 'a range in mangle' 'ip mangle PREROUTING handle' '203.0.113.1/32 and others'
heals_ban
load nft -f - <<- 'R'
	table inet filter {
		set bad { type ipv4_addr; flags interval; elements = { 203.0.113.0/24, 198.51.100.64/26 }; }
		set bad6 { type ipv6_addr; flags interval; elements = { 2001:db8:bad::/48 }; }
		chain f { type filter hook forward priority 0; policy drop; ct state established accept; iifname "lan" accept; jump bans; }
		chain bans { ip saddr @bad drop; ip6 saddr @bad6 drop; }
	}
R
banned 'sets of nft' 'inet filter bans handle' 'nft-set: "inet filter bad"' 'nft-set: "inet filter bad6"' '198.51.100.64/26'
[[ ${BREAK:-} ]] || { # the service follows the sets
	sed 's|^    backend:|    deny: [ { nft-set: "inet filter bad" }, { nft-set: "inet filter bad6" } ]\n&|' "$work/wgxdp.yaml" > "$work/lists.yaml"
	wgxdp reload -c "$work/lists.yaml" > /dev/null
	content -c "$work/lists.yaml"
	! found warning found | holds 'forwards them before it' || fail "the sets are followed: $(said)"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
	say 'ok sets that the service follows'
}
load nft -f - <<- 'R'
	table ip geo {
		map land { type ipv4_addr : mark; flags interval; elements = { 203.0.113.0/24 : 7, 192.0.2.0/24 : 8 }; }
		chain m { type filter hook prerouting priority mangle; meta mark set ip saddr map @land; }
		chain f { type filter hook forward priority filter; meta mark 7 drop; }
	}
	table netdev t { chain i { type filter hook ingress device "wan" priority 0; ip saddr 192.0.2.200 drop; }; }
R
banned 'a map of marks' 'ip geo f handle' 'mark 0x00000007' '203.0.113.0/24'
banned 'a chain of a device' 'netdev t i handle' '192.0.2.200/32'
legacy 'iptables-legacy -t raw -A PREROUTING -s 203.0.113.0/25 -j DROP' \
	'ip6tables-legacy -A FORWARD -s 2001:db8:4::/48 -j REJECT'
# shellcheck disable=SC2016 # backquotes of doctor
banned iptables-legacy '`-A PREROUTING -s 203.0.113.0/25 -j DROP` of iptables-legacy raw' \
	'of ip6tables-legacy filter drops packets from 2001:db8:4::/48'
heals_ban
if [[ $with_ipset ]]; then
	inside firewall ipset destroy probe
	inside firewall ipset create gap hash:ip
	inside firewall ipset create bad hash:net
	inside firewall ipset destroy gap
	inside firewall ipset add bad 203.0.113.0/24
	legacy 'iptables-legacy -A FORWARD -m set --match-set bad src -j DROP'
	banned 'ipset of iptables-legacy' '--match-set bad src -j DROP' 'the set bad of ipset'
	load iptables-restore <<- 'R'
		*filter
		:FORWARD ACCEPT [0:0]
		-A FORWARD -m set --match-set bad src -j DROP
		COMMIT
	R
	banned 'ipset of iptables-nft' 'ip filter FORWARD handle' 'the set bad of ipset, such as 203.0.113.0/24'
	# No service can follow such a set, and no fix copies it. With its entries in deny, doctor warns no more
	! found warning fix | holds 'service deny add' || fail "a fix copies the set: $(said)"
	wgxdp service deny add wg-end 203.0.113.0/24 > /dev/null
	wgxdp save > "$work/denied.yaml"
	mv "$work/denied.yaml" "$work/wgxdp.yaml"
	content
	! found warning found | holds 'forwards them before it' || fail "the entries are denied: $(said)"
	cp "$work/first.yaml" "$work/wgxdp.yaml"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
else
	say 'ok without ipset'
fi
# Zones of firewalld: the packets of a banned client are not translated, so that a rule for this host drops them
load nft -f - <<- 'R'
	table inet zones {
		chain n { type nat hook prerouting priority dstnat; ip saddr 203.0.113.0/26 goto none; iifname "wan" udp dport 51820 dnat ip to 192.168.1.10; }
		chain none { }
		chain f { type filter hook forward priority filter; policy drop; ct status dnat accept; ct state established accept; }
		chain i { type filter hook input priority filter; ip saddr 203.0.113.0/26 drop; }
	}
R
banned 'a client that is not translated' 'inet zones i handle' 'from 203.0.113.0/26'
heals_ban

# --- rules for other packets

load nft -f - <<- 'R'
	table inet filter {
		set empty { type ipv4_addr; flags interval; }
		chain f { type filter hook forward priority 0; policy drop; ct state established accept; iifname "lan" accept; tcp dport 22 drop;
			udp dport 51820 limit rate over 10/second drop; udp dport 53 ip saddr 203.0.113.7 drop; ip saddr 192.168.1.0/24 iifname "wan" drop; }
		chain i { type filter hook input priority 0; policy drop; ct state established accept; udp dport 51999 accept; udp dport 53 drop;
			icmp type echo-request accept; icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept; log prefix "all "; }
	}
R
calm 'rules for other packets'
load nft -f - <<- 'R'
	table inet filter {
		chain i { type filter hook input priority 0; policy drop; ct state established accept; ip saddr 203.0.113.44 udp dport 51999 accept;
			ip6 saddr 2001:db8:77::1 udp dport 51999 accept; icmp type echo-request accept;
			icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept; }
	}
R
calm 'rules that accept the known peers only'
clear_rules
calm 'no rules'

# --- WireGuard's own packets

load iptables-restore <<- 'R'
	*filter
	:INPUT DROP [0:0]
	-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
	COMMIT
R
refused 'a policy behind ctstate' 'the policy of ip filter INPUT'
load iptables-restore <<- 'R'
	*filter
	:INPUT ACCEPT [0:0]
	-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
	-A INPUT -p icmp -j ACCEPT
	-A INPUT -j REJECT --reject-with icmp-host-prohibited
	COMMIT
R
refused 'a REJECT at the end' 'the rule ip filter INPUT handle' 'reject'
load nft -f - <<- 'R'
	table inet filter { chain o { type filter hook output priority 0; meta l4proto udp jump outer; }; chain outer { udp sport 51999 drop; }; }
R
refused 'a rule for sent packets' 'the rule inet filter outer handle' 'WireGuard sends'
legacy 'iptables-legacy -A INPUT -p udp --dport 53 -j ACCEPT' 'iptables-legacy -A INPUT -i wan -j DROP'
refused iptables-legacy '-A INPUT -i wan -j DROP'
legacy 'ip6tables-legacy -A INPUT -p icmpv6 -j ACCEPT' 'ip6tables-legacy -P INPUT DROP'
refused 'a policy of ip6tables-legacy' 'the policy of ip6tables-legacy filter INPUT'

# --- the policy's packets: tc sends them past all rules but those at the egress

load nft -f - <<- R
	table inet filter { chain f { type filter hook forward priority 0; policy drop; }; }
	table netdev t { chain e { type filter hook egress device "$wgf" priority 0; udp dport 58000-60000 drop; }; }
R
refused 'a rule at the egress' 'the rule netdev t e handle' 'packets of the policy from site-a to site-b'

# --- what cannot be rehearsed is said

legacy 'iptables-legacy -t mangle -A PREROUTING -j AUDIT --type accept'
content
found warning found | holds 'without the table mangle of iptables-legacy: AUDIT acts outside' || fail "AUDIT: $(said)"
say 'ok a table that is not copied is named'
wgxdp down > /dev/null
