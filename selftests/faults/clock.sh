#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# A jump of the time of day by a year costs no packet, no flow and no route. The time of day jumps a year ahead and a
# year back under a daemon (otherclock.so tells only the daemon, because the clock is shared). A service and the flows
# of another one continue without a lost packet. The route of a live site stays, and the daemon follows a new address.
# BREAK=1 removes the site: then its route must be missing.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#         the site ===== WireGuard ===== the relay
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

make -s O="${O:-build}" "${O:-build}/selftests/otherclock.so"
overlay=fd12:3456:789a wgr=wgr$$ wgs=wgs$$
year=31536000

choose_wireguard
firewall_network
quiet client wg-end
tunnel firewall $wgr fd12:3456:7899::1/128 51999
tunnel client $wgs fd12:3456:7899::2/128
inside firewall wg set $wgr peer "$(key $wgs)" allowed-ips "$overlay:a::/64,fd12:3456:7899::2/128"
inside client wg set $wgs peer "$(key $wgr)" endpoint 198.51.100.1:51999 persistent-keepalive 1 allowed-ips "$overlay::/48"
cat > "$work/wgxdp.yaml" << YAML
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
services:
  - { name: stays, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
  - name: many
    listen: { interface: wan, ports: [ 51821 ] }
    backend: { ipv4: 192.168.1.10, port: 51821 }
    nat: masquerade
    flows: { max: 1000 }
follow: { wireguard: [ $wgr ] }
exporter: { listen: [ "127.0.0.1:9851" ] }
announce: { table: 700 }
policy: { overlay: "$overlay::/48" }
YAML
count_arrivals wg-end service "udp dport $port"
count_arrivals wg-end flows 'udp dport 51821'

announced() { inside firewall ip -6 route show table 700 2> /dev/null | holds "^$overlay:a::/64"; }
# Prints when the daemon was started, by its own time of day
started_at() { inside firewall curl -sf http://127.0.0.1:9851/metrics | awk '$1 == "process_start_time_seconds" {printf "%d\n", $2}'; }
listens() { wgxdp show services | holds "listen: .*$1:$port"; } # ADDRESS
echo 0 > "$work/ahead"
start firewall env LD_PRELOAD="$build/selftests/otherclock.so" OTHERCLOCK="$work/ahead" "$wgxdp" daemon -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1
daemon=$!
wait_for 30 "the daemon's readiness" grep -q 'the daemon follows changes' "$work/daemon"
wait_for 30 'the site is announced' announced

wan_mac=$(mac firewall wan)
start firewall ip -6 monitor route > "$work/routes"
monitor=$!
sent_to() { # PORT N
	inside client "$udptool" send -n "$2" -r 1500 -c 50 uplink "$wan_mac" 198.51.100.7:4000 "198.51.100.1:$1" > /dev/null
}
sent_to $port 100 # the firewall resolves wg-end before the count
sent_to 51821 100
had=$(arrived wg-end service) flows_had=$(arrived wg-end flows)
n=30000
for to in $port 51821; do
	sent_to "$to" $n &
	senders+=($!)
done
began=$(started_at)
for ahead in $year -$year 0; do
	echo "$ahead" > "$work/ahead"
	[[ ! ${BREAK:-} ]] || inside firewall wg set $wgr peer "$(key $wgs)" remove
	inside firewall ip address add 198.51.100.250/24 dev wan
	wait_for 10 "$ahead s ahead: an address that came is followed" listens 198.51.100.250
	inside firewall ip address del 198.51.100.250/24 dev wan
	sleep 2 # the daemon checks sites twice a second; no condition shows that nothing happens
	announced || fail "$ahead s ahead: the site's route is gone"
	! grep 'Deleted.*table 700' "$work/routes" || fail "$ahead s ahead: the site's route was away"
	off=$(($(started_at) - began - ahead))
	((${off#-} <= 2)) || fail "$ahead s ahead: the daemon's clock is $off s off that"
	say "ok the clock is $ahead s ahead"
done
for sender in "${senders[@]}"; do wait "$sender"; done
expect "lost of $n while the clock was set, of a service" $((n - $(arrived wg-end service) + had)) == 0
expect "lost of $n while the clock was set, by flows" $((n - $(arrived wg-end flows) + flows_had)) == 0
kill $monitor
end_daemon
wgxdp down
