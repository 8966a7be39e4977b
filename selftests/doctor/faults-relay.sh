#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# For each fault of a relay, doctor names it and its fix works, and show, metrics, page and log agree. The faults are
# a table (selftests/lib/fault-table.sh) for relays: one with peers and without a daemon, and a blind one with a
# daemon.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/fault-table.sh"

at() { inside relay "$@"; }
own_etc wgxdp wireguard
choose_wireguard

tunnel_works() { # after a fault at the relay's own end
	local i
	for ((i = 0; i < 10; i++)); do
		ways
		retry
		! works || return 0
		sleep 0.5
	done
	fail 'the tunnel'
}
relay_of_two_ways
at sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.wgr.keep_addr_on_down=1
ways() { at ip route replace $ends::a dev wgr && at ip route replace $overlay:a::/64 dev wgr; }
ways
at wg set wgr peer "$(key wgx)" allowed-ips $overlay:a::/64,$ends::a/128
(umask 077 && sed "s|^.Interface.|&\nAddress = $ends::1/128\nTable = off\nPostUp = ip route replace $ends::a dev wgr; ip route replace $overlay:a::/64 dev wgr|" \
	<(at wg showconf wgr | grep -v Endpoint) > /etc/wireguard/wgr.conf)

configuration() { # [KEY]
	cat > $file <<- EOF_FILE
		interfaces: [ { name: eth0, role: wan }, { name: eth1, role: wan } ]
		peers:
		  - { name: site-a, ${1-public-key: "$(key wgx)",} device: wgr, prefixes: [ "$overlay:a::/64", "$ends::a/128" ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ 58000-60000 ] }
		${2:-}
	EOF_FILE
}
again() { # starts a new session, and clears conntrack
	retry
	at wg set wgr peer "$(key wgx)" remove
	at wg set wgr peer "$(key wgx)" allowed-ips $overlay:a::/64,$ends::a/128
}
filtered() {
	at nft -f - <<- EOF_NFT
		table inet filter {
			chain ours { type filter hook input priority 0; policy drop;
				ct state established,related accept; iifname "wgr" accept; icmp type echo-request accept; tcp dport 22 accept; }
		}
	EOF_NFT
	again
}
strict() { at sysctl -qw net.ipv4.conf.eth1.rp_filter=1; }
peer_removed() { at wg set wgr peer "$(key wgx)" remove; }
keyless() { configuration '' && up; }
no_private_key() { at wg set wgr private-key /dev/null; }
key_beside() { # as `wgxdp gen hosts` writes it
	(umask 077 && sed -n 's/^PrivateKey = //p' /etc/wireguard/wgr.conf > /etc/wireguard/wgr-privatekey)
	sed -i 's|^PrivateKey = .*|PostUp = wg set %i private-key /etc/wireguard/%i-privatekey|' /etc/wireguard/wgr.conf
	no_private_key
}
device_gone() { at ip link del wgr; }
device_again() { at ip link del wgr && at wg-quick up wgr > "$work/quick" 2>&1; }
follows() {
	cat > $file <<- EOF_FILE
		interfaces: [ { name: eth0, role: wan }, { name: eth1, role: wan } ]
		follow: { wireguard: [ wgr ] }
		peers: [ { name: site-a, public-key: "$(key wgx)", device: wgr } ]
		policy: { overlay: "$overlay::/48" }
	EOF_FILE
	up
}
announces() { configuration "public-key: \"$(key wgx)\"," 'announce: { table: 100 }' && up; }
none_runs() { ! pgrep -x wgxdp; }
ended() { wgxdp down > /dev/null && wait_for 10 'the daemon ends' none_runs; }

configuration
up
tunnel_works
all_well 'a relay'
export after=tunnel_works
row nft - filtered
at nft delete table inet filter
row rp_filter - strict
row key 'peer site-a waiting' peer_removed
row key 'peer site-a waiting' keyless
row key - no_private_key
row key - key_beside
row interface 'interface wgr down' at ip link set wgr down
row interface 'interface wgr gone' device_gone
row interface 'interface wgr gone' device_again
ended
row daemon 'daemon - -' follows
row key 'peer site-a waiting' peer_removed # only wgr.conf has its prefixes
ended
row daemon 'daemon - -' announces
ended
table_ends 12

# --- blind: the site is the edge router

blind() { # [OPTION]
	echo "blind: { listen: { interface: eth1, port: $port }, device: wgr${1:-} }" > $file
}
site_comes() { tunnel_works; }
moved() { # no site has come: so WireGuard's port is wrong
	inside edge wg set wgx peer "$(key wgr)" remove
	at wg set wgr listen-port 51899
	peer_removed
	at wg set wgr peer "$(key wgx)" allowed-ips $overlay:a::/64,$ends::a/128
}
moved_with_sites() { at wg set wgr listen-port 51899; }
moved_back() {
	grep -q 'port: 51899' $file || fail "the cure: $(< $file)"
	blind
	at wg set wgr listen-port $port
	wgxdp reload > /dev/null
	tunnel_works
}
off() { at sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0; }
misnamed() { blind ', sites: [ site-x ]' && wgxdp reload > /dev/null 2>&1; }
sed -i 's/^.Peer.$/# site-a\n&/' /etc/wireguard/wgr.conf
blind
up
row daemon 'daemon - -' true
ended
blind
start_daemon -c $file
tunnel_works
all_well 'a blind relay'
row blind 'service blind waiting' moved
after=moved_back row blind 'service blind waiting' moved_with_sites
row forwarding 'service blind waiting' off
row interface 'service blind waiting' at ip link set wgr down
row interface 'interface eth1 down' at ip link set eth1 down
row blind - misnamed
blind ', pairs: [ [ site-a, site-c ] ]'
wgxdp reload > /dev/null
names blind
expect 'the unknown site' "$(found problem subject)" == site-c
found problem found | holds 'it is no peer of WireGuard on wgr: write one of site-a, or' || fail "pairs: $(found problem found)"
wgxdp check > "$work/check" 2>&1 || :
grep -q "error: pairs: site-c is no peer of WireGuard on wgr: write one of site-a" "$work/check" || fail "check: $(< "$work/check")"
end_daemon
table_ends 18

# a session that keepalives do not renew
tunnel_works
at wg set wgr peer "$(key wgx)" persistent-keepalive 20
inside edge wg set wgx peer "$(key wgr)" remove
sleep 185
doctor
found warning found | holds 'although this host sends keepalives' || fail "a dead tunnel: $(found warning found)"
say 'ok a tunnel without handshakes'
