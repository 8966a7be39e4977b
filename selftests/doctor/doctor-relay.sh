#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Doctor names and fixes faults of a relay: the path's MTU, an nftables rule, rp_filter, and a key that WireGuard
# lacks. Like selftests/doctor/doctor.sh, for a relay with two exits. The rule drops WireGuard's packets. BREAK=1
# leaves out the faults.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

choose_wireguard
relay_of_two_ways
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

# A path so narrow that the MTU for it would remove IPv6 from the tunnel
wrong ip link set dev eth0 mtu 1300
content
[[ $(found warning | grep -vx clock) == mtu ]] || fail "a path of 1300 bytes: $(wgxdp doctor | grep -v '^ok')"
! found warning fix | holds mtu || fail "the fix removes IPv6: $(found warning fix)"
found warning found | holds 'at least 1280, so eth0 needs one of 1340' || fail "a path of 1300 bytes: $(found warning found)"
inside relay ip link set dev eth0 mtu 1400
content
cure=$(found warning fix | grep mtu) || fail "a path of 1400 bytes: $(wgxdp doctor | grep -v '^ok')"
heals
inside relay ip -6 address show dev wgr | holds "$ends::1" || fail "the fix '$cure' removes IPv6"
healthy 'a relay with a path of 1400 bytes'
inside relay ip link set dev eth0 mtu 1500
inside relay ip link set dev wgr mtu 1420

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

# AllowedIPs to which WireGuard's commands have added no route. A device without any route over it is left alone.
wgxdp down > /dev/null
cat > "$work/relay.yaml" <<- EOF
	interfaces: [ { name: eth0, role: wan }, { name: eth1, role: wan } ]
	follow: { wireguard: [ wgr ] }
	policy: { overlay: "$overlay::/48", udp-ports: [ 58000-60000 ] }
EOF
wgxdp up -c "$work/relay.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
wrong wg set wgr peer "$(key wgx)" allowed-ips $overlay:a::/64,$ends::a/128,$overlay:c::/64,192.168.7.0/24
routeless() { doctor && found warning | holds -x route; }
routeless || fail "AllowedIPs without a route: $(wgxdp doctor | grep -v '^ok')"
cure=$(found warning fix | grep route)
heals
! routeless || fail "the fix '$cure' is not enough: $(wgxdp doctor | grep -v '^ok')"
inside relay ip -6 route flush dev wgr
inside relay ip route flush dev wgr
! routeless || fail 'doctor reports a device to which the admin gives no routes'
say 'ok AllowedIPs without a route'
wgxdp down > /dev/null
