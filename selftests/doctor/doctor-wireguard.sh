#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Doctor names and fixes a guard with the wrong key, and a backend that is down. It names a client that uses a wrong
# port, also on a wan without an Ethernet header. Like selftests/doctor/doctor.sh, with WireGuard at the ends. BREAK=1
# leaves out the faults.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#       wgc                                                                             wg0
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

choose_wireguard

is_down() { [[ ${BREAK:-} || ! $(inside wg-end ss -Hlun "sport = $port") ]]; }
works() { inside client ping -q -c 1 -W 0.5 10.77.0.1; } > /dev/null
retry() { anew client wgc wg0 198.51.100.1:$port 10.77.0.0/24; }
firewall_network
host_is 192.168.1.10 wg-end
tunnel wg-end wg0 10.77.0.1/24 $port
tunnel client wgc 10.77.0.2/24
inside wg-end wg set wg0 peer "$(key wgc)" allowed-ips 10.77.0.2/32
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - name: wg-end
	    listen: { interface: wan, ports: [ $port ] }
	    backend: { ipv4: 192.168.1.10, port: $port }
	    wireguard: { public-keys: [ "$(if [[ ${BREAK:-} ]]; then key wg0; else key wgc; fi)" ] }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
come() { shown reason original guard_mac1; }
asks() { # TIMES: the client asks, each time as a new peer, until that many of its messages were for another key
	until [[ ${BREAK:-} || $(come) -ge $1 ]]; do
		retry
		wait_for 10 'an initiation' arrives "$(come)"
	done
}
arrives() { works || (($(come) > $1)); }
asks 1
content
[[ $(come) -gt 2 || $(found warning | grep -vx clock) == key && $(found warning found) == *'a stranger sent'* ]] ||
	fail "a message for another key: $(< "$work/doctor.json")"
asks 3
tunnel_treated key

mount -t tmpfs etc /etc/wireguard # wg-end's own
(umask 077 && sed "s|^.Interface.|&\nAddress = 10.77.0.1/24|" <(inside wg-end wg showconf wg0) > /etc/wireguard/wg0.conf)
[[ ${BREAK:-} ]] || inside wg-end ip link del wg0
wait_for 5 'wg-end is down' is_down
retry
tunnel_treated backend

wgxdp down > /dev/null

# A wan without an Ethernet header: the client's handshakes come to a port at which nothing listens
wgf=wgf$$ wgd=wgd$$ wge=wge$$
tunnel firewall $wgf 10.78.0.1/24 51999
tunnel client $wgd 10.78.0.2/24 51998
tunnel client $wge 10.79.0.2/24
inside firewall wg set $wgf peer "$(key $wgd)" allowed-ips 10.78.0.2/32
inside client wg set $wgd peer "$(key $wgf)" allowed-ips 10.78.0.1/32 endpoint 198.51.100.1:51999
wait_for 20 'the tunnel that is the wan' inside client ping -q -c 1 -W 1 10.78.0.1
cat > "$work/wgxdp.yaml" <<- EOF
	services:
	  - { name: wg-end, listen: { interface: $wgf, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
endpoint=10.78.0.1:$port
[[ ${BREAK:-} ]] || endpoint=10.78.0.1:51899
inside client wg set $wge peer "$(key wg0)" allowed-ips 10.79.0.0/24 endpoint "$endpoint" persistent-keepalive 1
content --listen 7
found warning found | holds "51899 on $wgf, where nothing listens" || fail "a wrong port: $(wgxdp doctor | grep -v '^ok')"
say "ok a wrong port: $(found warning found | grep 51899)"
wgxdp down > /dev/null
