#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# timeout: 240
# A rehearsal copies a host so exactly that doctor names the rule behind bridges, VLANs, VRFs, marks and policy routing, and
# it leaves nothing behind. While doctor and import run beside traffic, no packet is lost and no sample comes out of the
# host. Then conntrack, rules with their counters, sets, addresses, routes, sysctls and interfaces are as before. It works
# without /dev/net/tun too. With 100,000 elements in sets doctor takes at most 3 s, and import 15 s. All ports of an
# address take at most 1 s of CPU time. BREAK=1 adds an address meanwhile.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall br0 (lan, spare) .1 -- 192.168.1.0/24 -- .10 wg-end
#                                             spare2 -- VLAN 7, VRF, where this kernel has them
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

firewall_network
gateways firewall 198.51.100.7 2001:db8:1::7
inside firewall ip addr flush dev lan
bridge_with_address firewall br0
inside firewall ip link set lan master br0
cable firewall spare client spare-end
inside firewall ip link set spare master br0
cable firewall spare2 client spare2-end
addresses firewall br0 192.168.1.1/24 2001:db8:2::1/64
inside firewall ip link add dull type dummy 2> /dev/null && inside firewall ip link set dull up
has_vlans && tagged firewall spare2 spare2.7 7 && addresses firewall spare2.7 10.7.0.1/24
inside firewall ip link add red type vrf table 77 2> /dev/null && inside firewall ip link set red up && inside firewall ip link set spare2 master red
addresses firewall spare2 10.8.0.1/24
inside firewall ip link set wan group 7
inside firewall ip rule add fwmark 9 lookup 90
inside firewall ip route add default via 198.51.100.7 dev wan src 198.51.100.1 table 90
inside firewall ip route add 192.168.1.0/24 dev br0 table 90
inside firewall sysctl -qw net.ipv4.conf.wan.rp_filter=2
start_listener wg-end four -e 192.168.1.10:$port
inside firewall nft -f - << 'R'
table inet host {
	set bad { type ipv4_addr; flags interval; elements = { 203.0.113.0/26, 203.0.113.200 }; }
	set timed { type ipv4_addr; flags timeout; timeout 1d; elements = { 192.0.2.9 }; }
	counter hits { }
	map nets { type ipv4_addr : verdict; flags interval; elements = { 192.0.2.128/25 : jump no }; }
	chain no { counter name hits; drop; }
	chain m { type filter hook prerouting priority mangle; iifname "wan" ip saddr 203.0.113.64/26 meta mark set 9; }
	chain f { type filter hook forward priority filter; policy drop; ct state vmap { established : accept, related : accept, invalid : drop };
		iifname "br0" accept; iifname "wan" oifname "br0" jump in; log level audit; }
	chain in { ip saddr @bad counter drop; ip saddr vmap @nets; meta mark 9 oifname { "br0", "spare2" } drop; ip saddr 192.0.2.9 log prefix "x" drop; iifgroup 7 ip saddr 100.66.0.0/16 drop; accept; }
	chain n { type nat hook prerouting priority dstnat; iifname "wan" udp dport 51820 dnat ip to 192.168.1.10:51820; }
}
table bridge b { chain i { type filter hook output priority 0; ip saddr 192.0.2.64/28 drop; }; }
R
inside firewall iptables-legacy -t mangle -A PREROUTING -s 192.0.2.32/28 -m comment --comment x -j DROP
inside firewall iptables -A FORWARD -s 192.0.2.48/28 -m addrtype --src-type UNICAST -j REJECT
names_sets=
! command -v ipset > /dev/null || { inside firewall ipset create s hash:ip,port && inside firewall ipset add s 192.0.2.3,udp:51820 && names_sets=1; } 2> /dev/null
[[ ! $names_sets ]] || inside firewall iptables-legacy -A FORWARD -m set --match-set s src,dst -j DROP
wgxdp up --wan wan --lan br0 --to 192.168.1.10 > "$work/up" 2>&1 || fail "up: $(< "$work/up")"

state() { # prints all that may not change
	inside firewall bash -c '
		nft -a list ruleset
		iptables-legacy-save -c | grep -v "^[#:]"
		ipset save 2> /dev/null
		ip -o link | sed "s/ state [A-Z]*//"
		ip -o address; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all
		sysctl -a 2> /dev/null | grep "^net\." | grep -v "nf_conntrack_count\|random\|netdev_rss\|nr_\|tcp_mem\|udp_mem"
		cat /proc/net/nf_conntrack 2> /dev/null | grep -c "93.184\|198.19" || :' 2> /dev/null | sed 's/ expires [0-9a-z]*//; s/expires [0-9]*sec//'
}
words() { # checks that the last doctor has warned of all these clients, each in the same line as its rule
	local line client rule
	for line; do
		client=${line%% by *} rule=${line#* by }
		found warning found | grep -F -- "$rule" | holds -F -- "$client" ||
			fail "'$line' is not in: $(found warning found; found problem found)"
	done
	say "ok $# bans: each with its rule"
}
bans=('203.0.113.0/26 and others by inet host in' '192.0.2.128/25 by inet host no' '203.0.113.64/26 by inet host in' '192.0.2.9/32 by inet host in'
	'100.66.0.0/16 by inet host in' '192.0.2.64/28 by bridge b i' '192.0.2.32/28 by iptables-legacy mangle' '192.0.2.48/28 by ip filter FORWARD')
[[ ! $names_sets ]] || bans+=('192.0.2.3/32 by --match-set s src,dst')

# Counts what comes out: samples, by their sources, on all cables
for place in client:uplink client:spare-end client:spare2-end wg-end:eth; do
	inside "${place%:*}" nft -f - <<- R
		table netdev outside-${place#*:} { chain c { type filter hook ingress device "${place#*:}" priority -500;
			ip saddr { 93.184.215.14, 198.19.77.9 } counter; ip daddr { 93.184.215.14, 198.19.77.9 } counter;
			ip6 saddr { 2606:2800:21f::14, 2001:2:0:77::9 } counter; ip saddr 203.0.113.0/24 counter; ip saddr 192.0.2.0/24 counter; }; }
	R
done
outside() { for ns in client wg-end; do inside $ns nft list ruleset; done | grep -c 'counter packets [1-9]' || :; }

inside firewall nft reset counters > /dev/null
state > "$work/before"
beside() { # COMMAND...: runs it beside traffic
	start client "$udptool" ask -n 1500 -r 500 -w 1000 -s 148 198.51.100.7:4001 198.51.100.1:$port > "$work/asked"
	local sender=$!
	"$@"
	wait "$sender" || fail "beside $1: $(< "$work/asked")"
	expect "packets lost beside $1" $((1500 - $(said asked answered))) == 0
}
imports() { wgxdp import > "$work/imported" 2> "$work/warnings" || [[ $? == 3 ]] || fail "import: $(< "$work/warnings")"; }
beside content
words "${bans[@]}"
beside imports
[[ ! ${BREAK:-} ]] || inside firewall ip addr add 10.9.9.9/32 dev spare2
expect 'samples outside' "$(outside)" == 0
state > "$work/after"
diff "$work/before" "$work/after" > "$work/diff" || fail "doctor changed this host: $(< "$work/diff")"
say "ok $(wc -l < "$work/after") lines of state: unchanged"

# Without /dev/net/tun
if [[ -c /dev/net/tun ]]; then
	mount -t tmpfs none /dev/net
	content
	umount /dev/net
	words "${bans[@]}"
	expect 'samples outside' "$(outside)" == 0
fi

# Import finds a backend behind a bridge, although the copy lacks the rule that accepts the answers of neighbours
inside firewall nft -f - << 'R'
table inet six {
	chain n { type nat hook prerouting priority dstnat; iifname "wan" udp dport 51820 dnat ip6 to [2001:db8:2::10]:51820; }
	chain i { type filter hook input priority 5; policy drop; meta l4proto icmpv6 limit rate 1000/second accept; }
}
R
imports
holds -E 'ipv6: "2001:db8:2::10".* port: 51820' < "$work/imported" || fail "import finds no IPv6 backend: $(cat "$work/imported" "$work/warnings")"
inside firewall nft delete table inet six
say 'ok a backend above a bridge, by IPv6'

# Large sets: intervals for IPv4, addresses for IPv6
{
	echo 'table inet big { set four { type ipv4_addr; flags interval; elements = {'
	for ((i = 0; i < 100000; i++)); do echo "$((60 + i / 32768)).$((i / 128 % 256)).$((i % 128 * 2)).0/24,"; done
	echo '}; }; set six { type ipv6_addr; elements = {'
	for ((i = 0; i < 1000; i++)); do printf '2001:db8:bad:%x::%x,\n' $((i / 1000)) $((i % 1000 + 1)); done
	echo '}; }; chain f { type filter hook forward priority 1; ip saddr @four drop; ip6 saddr @six drop; }; }'
} > "$work/big"
inside firewall nft -f "$work/big"
began=$(ms)
content
took=$(($(ms) - began))
words '60.0.0.0/24 and others by inet big f'
[[ ! ${WGXDP_STRICT:-} ]] || expect 'ms with 100,000 elements' $took '<=' 3000
say "ok $took ms with 101,000 elements"
began=$(ms)
imports
took=$(($(ms) - began))
holds -F '{ nft-set: "inet big four" }' < "$work/imported" || fail "import does not follow the large set: $(cat "$work/imported" "$work/warnings")"
[[ ! ${WGXDP_STRICT:-} ]] || expect 'ms of import with 100,000 elements' $took '<=' 15000
say "ok $took ms of import with 101,000 elements"

# All ports of four more addresses
cpu_ms() { # COMMAND...: prints its CPU time
	local TIMEFORMAT='%U %S'
	{ time "$@" > "$work/imported" 2>&1; } 2>&1 | awk '{print int(1000 * ($1 + $2))}'
}
inside firewall nft delete table inet big
one=$(cpu_ms wgxdp import)
addresses firewall wan 198.51.100.{101..104}/24
four=$((($(cpu_ms wgxdp import) - one) / 4))
[[ ! ${WGXDP_STRICT:-} ]] || expect 'ms of CPU time for all ports of an address' $four '<=' 1000
say "ok $four ms of CPU time for all ports of an address"
wgxdp down > /dev/null
