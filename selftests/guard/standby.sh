#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# vm
# A standby serves when its backend no longer answers, and not because an attacker makes the backend look down.
# WireGuard is real, with two clients at two addresses. The standby has the backend's keys. Before that, initiations of
# an attacker with the public key do not make the backend look down. A reload and a new daemon keep the standby.
# The backend is not tried while its host is off or no socket is at its port, which costs the clients nothing, and
# serves again when it listens. A configuration that calls the serving standby the backend costs nothing either.
# BREAK=1 leaves out the standby.
#
#     client  .7 and .8 --- .1 firewall .1 --- switch ---- .10 main
#       wgc1, wgc2         wan         lan     bridge \--- .11 spare   eth  wgm, wgs: 10.77.0.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

host() { # NAME ADDRESS
	namespaces "$1"
	cable switch "to-$1" "$1" eth
	inside switch ip link set "to-$1" master bridge
	addresses "$1" eth "$2/24"
	gateways "$1" 192.168.1.1
}

network() {
	namespaces client firewall switch
	routers firewall
	cable client uplink firewall wan
	cable firewall lan switch port
	takes_xdp client uplink
	takes_xdp switch port
	inside switch ip link add bridge type bridge
	inside switch ip link set port master bridge
	host main 192.168.1.10
	host spare 192.168.1.11
	inside switch ip link set bridge up
	addresses client uplink 198.51.100.7/24 198.51.100.8/24
	addresses firewall wan 198.51.100.1/24
	addresses firewall lan 192.168.1.1/24
	gateways client 198.51.100.1
	inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
}

# With the keys and peers of main
serves() { # NAMESPACE DEVICE
	local i
	tunnel "$1" "$2" 10.77.0.1/16 $port
	inside "$1" wg set "$2" private-key "$work/main.key"
	for i in 1 2; do inside "$1" wg set "$2" peer "$(key wgc$i)" allowed-ips 10.77.1.$i/32; done
}

clients() {
	local i
	for i in 1 2; do
		tunnel client wgc$i 10.77.1.$i/32
		inside client ip route add 10.77.0.0/24 dev wgc$i table $((100 + i))
		inside client ip rule add from 10.77.1.$i lookup $((100 + i))
		inside client wg set wgc$i peer "$(< "$work/main.pub")" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.0/24
	done
	inside client nft -f - <<- EOF
		table ip two {
			chain leaving {
				type nat hook postrouting priority srcnat
				udp sport $(inside client wg show wgc2 listen-port) snat to 198.51.100.8
			}
		}
	EOF
}

configuration() {
	local standby=', standby: { ipv4: 192.168.1.11 }'
	[[ ! ${BREAK:-} ]] || standby=''
	cat > "$work/wgxdp.yaml" <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port$standby }
		    wireguard: { public-key: "$(< "$work/main.pub")", health: { initiations: 4, sources: 2 } }
	EOF
}

of_backend() { wgxdp show metrics | awk -v family="wgxdp_backend_$1" 'index($1, family "{") == 1 {print $2}'; } # up, on_standby
is() { [[ $(of_backend "$1") == "$2" ]]; } # FAMILY VALUE
answers() { # both clients
	start client ping -q -c 1 -W 1 -I 10.77.1.1 10.77.0.1 > /dev/null
	inside client ping -q -c 1 -W 1 -I 10.77.1.2 10.77.0.1 && wait $!
}
got() { inside "$1" wg show "$2" transfer | awk '{n += $2} END {print n + 0}'; } # NAMESPACE DEVICE: bytes

main_got() { answers; (($(got main wgm2) > 0)); }

# Both clients ping for this time; $lost is the number of lost pings
ping_for() { # SECONDS
	local i pids=()
	for i in 1 2; do
		unanswered client 10.77.0.1 -c $(($1 * 5)) -i 0.2 -W 5 -I 10.77.1.$i > "$work/ping-$i" &
		pids+=($!)
	done
	wait "${pids[@]}" || :
	lost=$(awk '{n += $1} END {print n}' "$work"/ping-*)
}

network
choose_wireguard
(umask 077 && wg genkey > "$work/main.key")
wg pubkey < "$work/main.key" > "$work/main.pub"
clients
serves main wgm
serves spare wgs
configuration
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
start_daemon -c "$work/wgxdp.yaml"
wait_for 10 'answers' answers
expect 'bytes that came to the standby' "$(got spare wgs)" == 0

start client "$root/selftests/lib/initiations.py" uplink "$(mac firewall wan)" 10.0.0.1 100 198.51.100.1 $port "$(< "$work/main.pub")" 100 5 > "$work/forged"
forger=$!
wait $forger
is up 1 || fail 'a forger with the public key makes the backend look down'
expect 'a forger with the public key: its standby serves' "$(of_backend on_standby)" == 0
answers > /dev/null || fail 'clients lost their backend to a forger'

# Both are down: a missing standby does not begin to serve
inside spare ip link del wgs
inside main ip link del wgm
down() { is up 0; }
start client ping -q -I 10.77.1.1 -i 0.5 10.77.0.1 > /dev/null
pinging=$!
start client ping -q -I 10.77.1.2 -i 0.5 10.77.0.1 > /dev/null
wait_for 120 'the backend is down' down
sleep 40
expect 'the backend is down, and a standby that is not there serves' "$(of_backend on_standby)" == 0
# Neither does an address of this host, where a socket is bound
inside firewall ip address add 192.168.1.2/24 dev lan # a secondary one
start_listener firewall own 192.168.1.2:$port
sed -i 's/192.168.1.11/192.168.1.2/' "$work/wgxdp.yaml"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
sleep 20
expect 'the backend is down, and an address of this host serves' "$(of_backend on_standby)" == 0
sed -i 's/192.168.1.2 }/192.168.1.11 }/' "$work/wgxdp.yaml"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
kill $pinging $!
serves spare wgs2
at=$(elapsed)
wait_for 120 'answers of the standby' answers
say "ok WireGuard at the backend ended: answers of its standby after $(awk "BEGIN {print $(elapsed) - $at}") s"
expect 'the standby serves' "$(of_backend on_standby)" == 1
expect 'the label of the backend' "$(wgxdp show metrics | grep -c '^wgxdp_backend_on_standby{service="wg-end",backend="192.168.1.10"} 1')" == 1
expect 'bytes that came to the standby' "$(got spare wgs2)" '>' 0
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
expect 'the standby serves after a reload' "$(of_backend on_standby)" == 1
end_daemon
start_daemon -c "$work/wgxdp.yaml"
expect 'and after another daemon has begun' "$(of_backend on_standby)" == 1
ping_for 75
expect 'lost pings while a trial is due and the port is closed' "$lost" == 0
expect 'the standby serves' "$(of_backend on_standby)" == 1
inside main ip link set eth down
inside firewall ip neighbour flush dev lan to 192.168.1.10
ping_for 20
expect 'lost pings while a trial is due and the host is off' "$lost" == 0
expect 'the standby serves' "$(of_backend on_standby)" == 1
inside main ip link set eth up
gateways main 192.168.1.1

serves main wgm2
at=$(elapsed)
wait_for 60 'the backend is tried again' is on_standby 0
say "ok the backend is tried after $(awk "BEGIN {print $(elapsed) - $at}") s"
wait_for 60 'bytes that come to it' main_got
wait_for 60 'answers of the backend' answers
say "ok answers of it after $(awk "BEGIN {print $(elapsed) - $at}") s"
ping_for 20
expect 'pings lost after the trial' "$lost" == 0
expect 'the backend serves' "$(of_backend on_standby)" == 0
expect 'it is up' "$(of_backend up)" == 1

# The standby replaces the backend in the configuration, and goes on serving
inside main ip link del wgm2
on_standby() { answers > /dev/null; is on_standby 1; }
wait_for 120 'the standby serves again' on_standby
wait_for 60 'answers of the standby' answers
sed -i 's/192.168.1.10/MAIN/; s/192.168.1.11/192.168.1.10/; s/MAIN/192.168.1.11/' "$work/wgxdp.yaml"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
ping_for 15
expect 'lost pings after the two were exchanged' "$lost" == 0
expect 'the backend serves' "$(of_backend on_standby)" == 0
expect_sums
end_daemon
