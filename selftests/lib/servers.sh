# shellcheck shell=bash disable=SC2034,SC2154 # variables of lib.sh, and for those who source this
# SPDX-License-Identifier: GPL-2.0-or-later
# Eight WireGuard servers behind one public address and port, each a host with a key of its own. Eight clients, each of
# one server, and a ninth client with two servers as peers of one device, and so of one port. For guard-servers.sh and
# guard-rekey.sh. Source lib.sh first. BREAK=1 swaps the first two servers' keys.
#
#     client  .7 ---- 198.51.100.0/24 ---- .1 firewall .1 --- 192.168.1.0/24 --- switch ---- .11 … .18 server1 … server8
#       wgc1 … wgc9                        wan         lan                       bridge           eth  wge1 … wge8
#       10.77.1.1 … 10.77.1.9                                                                     10.77.0.1 … 10.77.0.8

servers=8
clients=$((servers + 1))
both=(1 2) # the ninth client's servers

pairs=() # CLIENT SERVER
for ((i = 1; i <= servers; i++)); do pairs+=("$i $i"); done
for i in "${both[@]}"; do pairs+=("$clients $i"); done

servers_network() {
	local i
	namespaces client firewall switch
	routers firewall
	cable client uplink firewall wan
	cable firewall lan switch port
	takes_xdp client uplink
	takes_xdp switch port
	inside switch ip link add bridge type bridge
	inside switch ip link set port master bridge
	for ((i = 1; i <= servers; i++)); do
		namespaces server$i
		cable switch p$i server$i eth
		inside switch ip link set p$i master bridge
		addresses server$i eth 192.168.1.1$i/24
		gateways server$i 192.168.1.1
	done
	inside switch ip link set bridge up
	addresses client uplink 198.51.100.7/24
	addresses firewall wan 198.51.100.1/24
	addresses firewall lan 192.168.1.1/24
	gateways client 198.51.100.1
}

servers_configuration() { # NAT
	local i keys=()
	for ((i = 1; i <= servers; i++)); do keys[i]=$(key wge$i); done
	[[ ! ${BREAK:-} ]] || { keys[1]=$(key wge2) keys[2]=$(key wge1); }
	echo 'interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]'
	echo "services: [ { name: many, nat: $1, listen: { interface: wan, ports: [ $port ] }, backends: ["
	for ((i = 1; i <= servers; i++)); do
		echo "  { name: server$i, ipv4: 192.168.1.1$i, port: $port, public-key: \"${keys[i]}\" },"
	done
	echo '  ] } ]'
}

servers_tunnels() {
	local i pair public=()
	for ((i = 1; i <= servers; i++)); do tunnel server$i wge$i 10.77.0.$i/16 "$port"; done
	for ((i = 1; i <= clients; i++)); do
		tunnel client wgc$i 10.77.1.$i/32
		read -r "public[$i]" < "$work/wgc$i.pub"
		echo "route add 10.77.0.0/24 dev wgc$i table $((100 + i))"
		echo "rule add from 10.77.1.$i lookup $((100 + i))"
	done > "$work/ways"
	inside client ip -b "$work/ways"
	for pair in "${pairs[@]}"; do
		inside "server${pair#* }" wg set "wge${pair#* }" peer "${public[${pair% *}]}" allowed-ips "10.77.1.${pair% *}/32"
	done
}

# Starts new sessions
clients_begin() {
	local pair key
	for pair in "${pairs[@]}"; do
		read -r key < "$work/wge${pair#* }.pub"
		echo "wg set wgc${pair% *} peer $key remove"
		echo "wg set wgc${pair% *} peer $key endpoint 198.51.100.1:$port allowed-ips 10.77.0.${pair#* }/32"
	done | inside client sh -e
}

# Each client pings each of its servers COUNT times; $lost is the number of lost packets. See unanswered() for -w.
ping_servers() { # COUNT INTERVAL
	local pair
	for pair in "${pairs[@]}"; do
		echo "ping -n -c $1 -i $2 -w $(($1 + $1 / 10 + 6)) -W 5 -I 10.77.1.${pair% *} 10.77.0.${pair#* } > '$work/ping-${pair/ /-}' 2>&1 &"
	done > "$work/pings"
	echo wait >> "$work/pings"
	inside client sh "$work/pings"
	lost=$(awk -F icmp_seq= -v n="$1" -v of="${#pairs[@]}" '/bytes from/ && $2 + 0 <= n && !seen[FILENAME, $2 + 0]++ {replies++}
		END {print n * of - replies}' "$work"/ping-*)
}

# In the middle of their sessions, every second client moves to another port, and the others to another address
clients_roam() { # ADDRESS
	local i
	for ((i = 2; i <= clients; i += 2)); do echo "wg set wgc$i listen-port 0"; done | inside client sh -e
	addresses client uplink "$1/24"
	inside client nft delete table ip roam 2> /dev/null || :
	inside client nft -f - <<- EOF
		table ip roam {
			chain leaving {
				type nat hook postrouting priority srcnat
				udp sport { $(for ((i = 1; i <= clients; i += 2)); do echo "wg show wgc$i listen-port"; done | inside client sh -e | paste -sd ,) } snat to $1
			}
		}
	EOF
	inside client conntrack -D -p udp > /dev/null 2>&1 || :
}

begin_captures() {
	local i
	capturing=()
	for ((i = 1; i <= servers; i++)); do
		start server$i tcpdump -i eth -U -Z root -w "$work/capture-$i" "udp port $port" 2> "$work/tcpdump-$i"
		capturing+=($!)
	done
	for ((i = 1; i <= servers; i++)); do wait_for 10 'tcpdump' grep -q listening "$work/tcpdump-$i"; done
}

end_captures() { # WHAT: and checks that every message was for the server that received it; $work/directed has the result
	local i arguments=()
	sleep 0.5
	kill "${capturing[@]}"
	wait "${capturing[@]}" || :
	for ((i = 1; i <= servers; i++)); do arguments+=("$(key wge$i)=$work/capture-$i=192.168.1.1$i"); done
	"$root/selftests/lib/directed.py" "${arguments[@]}" > "$work/directed"
	say "$1: $(< "$work/directed")"
	expect "$1: messages that came to another server" "$(said directed misdirected)" == 0
}

handshakes_of() { # CLIENT: prints how many servers the client has a session with
	inside client wg show wgc"$1" latest-handshakes | awk '$2 {n++} END {print n + 0}'
}
