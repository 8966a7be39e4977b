#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# As selftests/doctor/doctor.sh, at a relay with two ways out: a rule of nftables that drops what comes for WireGuard, rp_filter, and a peer
# whose key WireGuard does not have. BREAK=1 leaves them well.
#
#     edge  .7 -- 192.0.2.0/24 -- .1 net .254 -- 198.51.100.0/24 -- .1 eth0 relay     the relay's default route is over eth0,
#      wgx                               .254 -- 203.0.113.0/24 --- .1 eth1  wgr      the edge comes in by eth1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

choose_wireguard
overlay=fd12:3456:789a ends=fd12:3456:7899
on=relay
works() { inside edge ping -q -c 1 -W 0.5 $ends::1; } > /dev/null
retry() { anew edge wgx wgr 203.0.113.1:$port "$overlay::/48,$ends::1/128"; }
namespaces edge net relay
routers net
cable edge wan net edges
cable net zero relay eth0
cable net one relay eth1
addresses edge wan 192.0.2.7/24
addresses net edges 192.0.2.1/24
addresses net zero 198.51.100.254/24
addresses net one 203.0.113.254/24
addresses relay eth0 198.51.100.1/24
addresses relay eth1 203.0.113.1/24
inside net sysctl -qw net.ipv4.conf.one.proxy_arp=1 # wireguard-go answers by the interface of the last packet
gateways edge 192.0.2.1
gateways relay 198.51.100.254
tunnel relay wgr $ends::1/128 $port
tunnel edge wgx $ends::a/128
inside edge ip route add $ends::1 dev wgx
inside relay ip route add $ends::a dev wgr
inside relay ip route add $overlay:a::/64 dev wgr
inside relay wg set wgr peer "$(key wgx)" allowed-ips $overlay:a::/64,$ends::a/128
cat > "$work/relay.yaml" <<- EOF
	interfaces: [ { name: eth0, role: wan }, { name: eth1, role: wan } ]
	peers:
	  - { name: site-a, public-key: "$(key wgx)", device: wgr, prefixes: [ "$overlay:a::/64", "$ends::a/128" ] }
	policy: { overlay: "$overlay::/48", udp-ports: [ 58000-60000 ] }
EOF
wgxdp up -c "$work/relay.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
retry
wait_for 10 'the tunnel to the relay' works
healthy 'a relay that is well'

again() { retry; inside relay wg set wgr peer "$(key wgx)" remove; inside relay wg set wgr peer "$(key wgx)" allowed-ips $overlay:a::/64,$ends::a/128; }
policy=drop
[[ ! ${BREAK:-} ]] || policy=accept
inside relay nft -f - <<- EOF
	table inet filter {
		chain ours { type filter hook input priority 0; policy $policy;
			ct state established,related accept; iifname "wgr" accept; icmp type echo-request accept; tcp dport 22 accept; }
	}
EOF
again
tunnel_treated nft

wrong sysctl -qw net.ipv4.conf.eth1.rp_filter=1
again
tunnel_treated rp_filter

wrong wg set wgr peer "$(key wgx)" remove
retry
tunnel_treated key
