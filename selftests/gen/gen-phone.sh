#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Clients of a gateway with both IP versions connect from networks with only IPv4, and from networks with only IPv6.
# They use the files that `wgxdp gen hosts` makes from docs/examples/topology/vps.yaml with a domain, and a real DNS
# server has the generated zone. With an address as endpoint, `gen hosts` says which networks are shut out. BREAK=1
# gives the clients the IPv6 address: then the client without IPv6 does not connect.
#
#     foo eth0 198.51.100.7 (only IPv4) ----.
#     bar eth0 2001:db8:ba::7 (only IPv6) --+-- net --- eth0 vps 203.0.113.1, 2001:db8:0:1::1
#     dns eth0 192.0.2.53, 2001:db8:53::53 -'
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/hosts.sh"
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go # used if the kernel has no WireGuard

hosts foo bar vps
namespaces net dns
routers net
for host in foo bar vps dns; do cable $host eth0 net $host; done
addresses foo eth0 198.51.100.7/24
addresses bar eth0 2001:db8:ba::7/64
addresses vps eth0 203.0.113.1/24 2001:db8:0:1::1/64
addresses dns eth0 192.0.2.53/24 2001:db8:53::53/64
addresses net foo 198.51.100.1/24
addresses net bar 2001:db8:ba::1/64
addresses net vps 203.0.113.254/24 2001:db8:0:1::ff/64
addresses net dns 192.0.2.1/24 2001:db8:53::1/64
gateways foo 198.51.100.1
gateways bar 2001:db8:ba::1
gateways vps 203.0.113.254 2001:db8:0:1::ff
gateways dns 192.0.2.1 2001:db8:53::1

generated vps "/^ *endpoint:/d; s/^dns:/domain: example.net\n&/"
[[ ! ${BREAK:-} ]] || generated vps "s/^dns:/domain: example.net\n&/"
mkdir "$work/bind"
{
	printf '@ 300 IN SOA ns admin 1 3600 600 86400 300\n@ 300 IN NS ns\nns 300 IN A 192.0.2.53\n'
	cat "$work/vps/zone.example.net"
} > "$work/bind/zone"
cat > "$work/named.conf" << EOF_NAMED
options { directory "$work/bind"; pid-file none; session-keyfile none; listen-on { any; }; listen-on-v6 { any; }; recursion no; };
controls { };
zone "example.net" { type primary; file "zone"; };
EOF_NAMED
chmod 755 "$work" "$work/bind"
start dns named -g -c "$work/named.conf" > "$work/named" 2>&1
resolves() { inside foo dig +short +tries=1 +time=1 @192.0.2.53 vps.example.net A | holds -x 203.0.113.1; }
wait_for 10 'the DNS server' resolves
at foo sh -c 'echo nameserver 192.0.2.53 > /etc/resolv.conf'
at bar sh -c 'echo nameserver 2001:db8:53::53 > /etc/resolv.conf'

for host in vps foo bar; do installs $host "$work/vps/$host"; done
boots vps
connects() { at "$1" ping -q -c 1 -W 1 10.200.200.1; }
for host in foo bar; do
	if [[ ${BREAK:-} ]]; then at $host wg-quick up wg0 > "$work/up" 2>&1 || :; else boots $host; fi
	wait_for 20 "$host connects" connects $host
done
expect 'the endpoint without IPv6' "$(at foo wg show wg0 endpoints | cut -f 2)" == 203.0.113.1:51820
expect 'the endpoint without IPv4' "$(at bar wg show wg0 endpoints | cut -f 2)" == '[2001:db8:0:1::1]:51820'

for family in 4 6; do
	sed "s/^ *endpoint:.*/    endpoint: ipv$family/" docs/examples/topology/vps.yaml > "$work/literal.yaml"
	"$wgxdp" gen hosts "$work/literal.yaml" -o "$work/literal" > "$work/said" 2>&1 || fail "gen hosts: $(< "$work/said")"
	grep -qF "cannot connect from networks with only IPv$((10 - family))" "$work/said" || fail "endpoint: ipv$family: $(< "$work/said")"
done
say 'ok a name leads from IPv4 and from IPv6, and an address brings a warning'
