# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the selftests share (the demo too): networks made of namespaces, WireGuard at their ends, and what the counters say.
#
# A script that sources this goes on in a sandbox (scripts/sandbox): names of namespaces and devices are its own, and whatever
# it leaves behind ends with it. It runs in the project's root. Exit status: 0 passed, 77 skipped (the reason on the last
# line), else failed. BREAK=1 in the environment makes some break on purpose what they test, and must make them fail.
set -euo pipefail

root=$(realpath "${BASH_SOURCE[0]%/*}/../..")
if [[ ! ${WGXDP_APART:-} ]]; then
	WGXDP_APART=1 exec "$root/scripts/sandbox" "$(realpath "$0")" "$@"
fi
cd "$root"
build=$(realpath "${O:-build}")
wgxdp=$build/wgxdp
udptool=$build/selftests/udptool
export port=51820 # of the services
work=$(mktemp -d /run/selftest.XXXXXX)

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "$*"; exit 77; }
say() { printf '%6.2f  %s\n' "$(elapsed)" "$*"; }

started=$(cut -d ' ' -f 1 /proc/uptime)
ms() { awk '{print int($1 * 1000)}' /proc/uptime; } # by the kernel's clock
elapsed() { awk -v from="$started" '{print $1 - from}' /proc/uptime; }

# WHAT LEFT OPERATOR RIGHT: a comparison of numbers, or with == and != of words; said, and the end where it does not hold
expect() {
	case $3 in
	== | !=) [[ $2 == "$4" ]] && [[ $3 == == ]] || { [[ $2 != "$4" && $3 == != ]]; } ;;
	-*) fail "$1: awk does not know $3" ;;
	*) awk -v a="$2" -v b="$4" "BEGIN {exit !(a $3 b)}" ;;
	esac || fail "$1: $2, expected $3 $4"
	say "ok $1: $2"
}

# How late something may come: where time is measured, that is by scripts/test --long and not in a VM; elsewhere a machine that
# does other things too has all the time that it needs
at_most() { # MS
	if [[ ${WGXDP_STRICT:-} ]]; then echo "$1"; else echo $(($1 * 50)); fi
}

wait_for() { # SECONDS WHAT COMMAND...: until it succeeds; where time is not measured, five times as long
	local patience=5 what=$2
	[[ ! ${WGXDP_STRICT:-} ]] || patience=1
	local deadline=$((SECONDS + $1 * patience + 1))
	shift 2
	until "$@" > /dev/null 2>&1; do
		((SECONDS < deadline)) || fail "waited in vain: $what"
		sleep 0.02
	done
}

all_run() { # PID...: each of them does
	local pid
	(($#)) || return
	for pid; do kill -0 "$pid" 2> /dev/null || return; done
}
gone() { ! kill -0 "$1" 2> /dev/null; } # PID

# grep, only for its status, that reads to the end: with pipefail a pipe into one that stops at the match fails where its writer has more to say
holds() { grep "$@" | cat > /dev/null; }

# --- networks

inside() { nsenter --net="/run/netns/$1" "${@:2}"; } # NAMESPACE COMMAND...
start() { nsenter --net="/run/netns/$1" "${@:2}" & } # the same in the background, as $!

# For what is done often while somebody sends: rounds of N packets, one more as long as it was not done often enough, as on a
# slow machine. $sent is how many that makes.
sends() { # N ARGUMENT... of `udptool send`, by the host client
	sender_says=("$@")
	start client "$udptool" send -n "$@" > "$work/sent"
	sender=$!
	sent=$((${sent:-0} + $1))
}
still_sends() { # DONE ENOUGH
	kill -0 "$sender" 2> /dev/null && return
	wait "$sender"
	[[ $1 -lt $2 ]] && sends "${sender_says[@]}"
}

namespaces() { # NAME...
	local ns
	for ns; do
		ip netns add "$ns"
		inside "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
		inside "$ns" ip link set lo up
	done
}

routers() { # NAMESPACE...: they forward
	local ns
	for ns; do inside "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
}

cable() { # NAMESPACE DEVICE NAMESPACE DEVICE [INDEX of the former]
	ip link add "$2" netns "$1" ${5:+index "$5"} type veth peer name "$4" netns "$3"
	cable_end "$1" "$2"
	cable_end "$3" "$4"
}

# Between namespaces checksums are left undone, as no wire does; and veth takes frames from XDP only where the end that gets
# them has GRO (or an XDP program).
cable_end() { # NAMESPACE DEVICE
	inside "$1" ethtool -K "$2" tx off gro on > /dev/null
	inside "$1" ip link set "$2" up
}

# Before 6.3 a kernel does not say what the other end can take, and wgxdp trusts only an XDP program there.
takes_xdp() { # NAMESPACE DEVICE [PROGRAM]
	inside "$1" ip link set "$2" xdpdrv obj "$build/selftests/peer.bpf.o" program "${3:-pass}"
}

# nodad: even where nobody waits for duplicates an address is tentative until a worker of the kernel's has come by
addresses() { # NAMESPACE DEVICE ADDRESS...
	local address nodad
	for address in "${@:3}"; do
		[[ $address == *:* ]] && nodad=nodad || nodad=''
		inside "$1" ip address add "$address" dev "$2" $nodad
	done
}

gateways() { # NAMESPACE ADDRESS...: default routes
	local address
	for address in "${@:2}"; do inside "$1" ip route replace default via "$address"; done
}

has_vlans() {
	unshare --net sh -c '{ ip link add probe type dummy || ip link add probe type veth; } && ip link add link probe name probe.1 type vlan id 1' 2> /dev/null
}

# Tags stay in the frame, where XDP can see them
tags_in_frames() { # NAMESPACE DEVICE
	inside "$1" ethtool -K "$2" txvlan off rxvlan off tx-vlan-stag-hw-insert off rx-vlan-stag-hw-parse off > /dev/null
}

tagged() { # NAMESPACE DEVICE NAME ID [PROTOCOL]
	inside "$1" ip link add link "$2" name "$3" type vlan ${5:+protocol "$5"} id "$4"
	inside "$1" ip link set "$3" up
}

mac() { inside "$1" ip -br link show "$2" | awk '{print $3}'; } # NAMESPACE DEVICE
index() { inside "$1" ip -o link show "$2" | cut -d : -f 1; } # NAMESPACE DEVICE

firewall_cables() { # [CLIENT FIREWALL WG-END]: the namespaces' names
	local client=${1:-client} firewall=${2:-firewall} end=${3:-wg-end}
	namespaces "$client" "$firewall" "$end"
	routers "$firewall"
	cable "$firewall" wan "$client" uplink "${wan_index:-}"
	cable "$firewall" lan "$end" eth
	takes_xdp "$client" uplink
	takes_xdp "$end" eth
}

#                 198.51.100.0/24          192.168.1.0/24
#                 2001:db8:1::/64          2001:db8:2::/64
#     client  .7 ----------------- .1 firewall .1 ----------------- .10 wg-end
#          uplink                  wan        lan                   eth
firewall_network() { # [PREFIX of the namespaces' names]
	namespaces "${1:-}client" "${1:-}firewall" "${1:-}wg-end"
	routers "${1:-}firewall"
	firewall_wan "${1:-}"
	firewall_lan "${1:-}"
}
firewall_wan() { # [PREFIX]
	local client=${1:-}client firewall=${1:-}firewall
	cable "$firewall" wan "$client" uplink "${wan_index:-}"
	takes_xdp "$client" uplink
	addresses "$client" uplink 198.51.100.7/24 2001:db8:1::7/64
	addresses "$firewall" wan 198.51.100.1/24 2001:db8:1::1/64
	gateways "$client" 198.51.100.1 2001:db8:1::1
}
firewall_lan() { # [PREFIX]
	local firewall=${1:-}firewall end=${1:-}wg-end
	cable "$firewall" lan "$end" eth
	takes_xdp "$end" eth
	addresses "$firewall" lan 192.168.1.1/24 2001:db8:2::1/64
	addresses "$end" eth 192.168.1.10/24 2001:db8:2::10/64
	gateways "$end" 192.168.1.1 2001:db8:2::1
}

# --- senders and receivers (udptool)

# What it hears is in $work/NAME; $! is it
start_listener() { # NAMESPACE NAME OPTION... ADDRESS
	start "$1" "$udptool" listen "${@:3}" > "$work/$2"
	wait_for 5 "$2 listens" grep -q listening "$work/$2"
}

stop() { # PID
	kill "$1"
	wait "$1" || fail "process $1 ended with status $?"
}

said() { awk -v key="$2" '{for (i = 1; i < NF; i++) if ($i == key) value = $(i + 1)} END {print value}' "$work/$1"; } # NAME KEY

tcp_listens() { inside "$1" ss -Hltn "sport = $2" | holds .; } # NAMESPACE PORT

# $work/file: its second half slowly, as long as there is $work/hold
pour() {
	exec 3< "$work/file"
	dd bs=64k count=$((${size:?} / 131072)) <&3
	while [[ -e $work/hold ]] && dd bs=16k count=1 <&3; do sleep 0.05; done
	cat <&3
} 2> /dev/null
# $work/file, of $size bytes, over TCP: FROM TO ADDRESS [FROM'S-ADDRESS]; then something may happen, before transfer_ends
transfer_begins() {
	began=$(elapsed)
	start "$2" socat -u TCP4-LISTEN:7000,reuseaddr "CREATE:$work/got"
	receiver=$!
	wait_for 10 'socat listens' tcp_listens "$2" 7000
	inside "$1" socat -u - "TCP4:$3:7000${4:+,bind=$4}" < <(pour) &
	sender=$!
}
transfer_over() { ! kill -0 "$sender" && ! kill -0 "$receiver"; }
transfer_ends() { # WHAT
	wait "$sender" || fail "$1: the transfer broke"
	wait "$receiver" || fail "$1: the transfer broke"
	cmp "$work/file" "$work/got" || fail "$1: the file did not come whole"
	rm "$work/got"
	say "ok $1: ${size:?} bytes, $(awk "BEGIN {print int($size * 8e-6 / ($(elapsed) - $began))}") Mbit/s"
}
transfer() { # WHAT FROM TO ADDRESS [FROM'S-ADDRESS]
	transfer_begins "${@:2}"
	transfer_ends "$1, from $2"
}

# SECONDS WHAT BYTES COMMAND...: in the middle of a transfer, when so many bytes have come. Where there was $work/hold before it began it
# is not over before the command is.
midway() {
	wait_for "$1" "$2: $3 bytes" arrived_bytes "$3"
	"${@:4}"
	rm -f "$work/hold"
	! transfer_over 2> /dev/null || fail "$2: over before ${*:4}"
}
arrived_bytes() { (($(stat -c %s "$work/got" 2> /dev/null || echo 0) >= $1)); }

# --- packets that came by, counted by the kernel where nothing can have been dropped or translated yet

# NAME is of a counter of nft's, RULE what it counts; several rules may have one counter
count_arrivals() { # NAMESPACE NAME RULE...
	inside "$1" nft -f - <<- EOF
		add table inet seen
		add chain inet seen arrivals { type filter hook prerouting priority -310; policy accept; }
		add counter inet seen $2
		add rule inet seen arrivals ${*:3} counter name $2
	EOF
}

arrived() { # NAMESPACE NAME...: packets, of all these together
	local name sum=0
	for name in "${@:2}"; do
		sum=$((sum + $(inside "$1" nft list counter inet seen "$name" | awk '$1 == "packets" {print $2}')))
	done
	echo "$sum"
}

reassembled() { # NAMESPACE: datagrams put together from pieces, IPv4 and IPv6
	inside "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '$1 == "Ip6ReasmOKs" {n += $2}
		$1 == "Ip:" && !column {for (i = 1; i <= NF; i++) if ($i == "ReasmOKs") column = i; next}
		$1 == "Ip:" {n += $column}
		END {print n}'
}

# What nobody listens for is not answered there: the answers would be counted
quiet() { # NAMESPACE...
	local ns
	for ns; do
		inside "$ns" nft -f - <<- EOF
			add table inet quiet
			add chain inet quiet output { type filter hook output priority 0; }
			add rule inet quiet output icmp type destination-unreachable drop
		EOF
	done
}

# What the driver itself says it redirected, in native XDP only
driver_redirects() { # NAMESPACE DEVICE
	inside "$1" ethtool -S "$2" | awk '/xdp_redirect:/ {sum += $2} END {print sum + 0}'
}

# --- wgxdp, on the firewall unless $on says where else

wgxdp() { inside "${on:-firewall}" "$wgxdp" "$@"; }

# The firewall's LAN is a switch with two hosts, which the firewall knows as neighbours
#
#     client .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- switch -+-- .11 one
#                                                                                         +-- .12 two
two_backends_network() {
	local host name
	namespaces client firewall switch one two
	routers firewall
	cable client uplink firewall wan
	cable firewall lan switch port
	takes_xdp client uplink
	takes_xdp switch port
	inside switch ip link add br0 type bridge
	inside switch ip link set br0 up
	inside switch ip link set port master br0
	addresses client uplink 198.51.100.7/24
	addresses firewall wan 198.51.100.1/24
	addresses firewall lan 192.168.1.1/24
	for host in one:11 two:12; do
		name=${host%:*}
		cable switch "to-$name" "$name" eth
		inside switch ip link set "to-$name" master br0
		addresses "$name" eth "192.168.1.${host#*:}/24"
		inside firewall ip neigh replace "192.168.1.${host#*:}" lladdr "$(mac "$name" eth)" dev lan nud permanent
	done
}

# On firewall_network: clients in 10.0.0.0/8 are behind the client, and nobody need be asked for MACs
packets_by_test_run() { # HOST...: the last numbers of addresses of wg-end
	local host
	inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
	inside firewall ip neigh replace 198.51.100.7 lladdr "$(mac client uplink)" nud permanent dev wan
	for host; do inside firewall ip neigh replace "192.168.1.$host" lladdr "$(mac wg-end eth)" nud permanent dev lan; done
}

# Ten packets of the client's for the service there, and so many more then come to wg-end
ten_come() { # COUNTER WHEN [PORT]
	local before
	before=$(arrived wg-end "$1")
	inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:${3:-$port}" > /dev/null
	wait_for 5 "$2: forwarded" came "$1" $((before + 10))
}
came() { (($(arrived wg-end "$1") == $2)); }

# What of a filter's comes in there, by whatever device, until watched(), which sets many
watch_filter() { # NAMESPACE FILTER
	start "$1" tcpdump -i any -Q in -s 64 -w /dev/null "$2" 2> "$work/watched"
	watching=$!
	wait_for 10 'tcpdump listens' grep -q 'listening on' "$work/watched"
}
watched() {
	kill -INT "$watching"
	wait "$watching"
	# shellcheck disable=SC2034 # for the caller
	many=$(awk '/received by filter/ {print $1}' "$work/watched")
}

service_file() { # NAT: $work/wgxdp.yaml, a service of both families on $port
	cat > "$work/wgxdp.yaml" <<- YAML
		interfaces: [ { name: wan, role: wan } ]
		services:
		  - name: wg-end
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    nat: $1
	YAML
	[[ $1 == none ]] || printf '    %s\n' "listen: { interface: wan, ports: [ $port ] }" 'ipv6: dnat' >> "$work/wgxdp.yaml"
}

shown() { wgxdp show --json | "$root/selftests/lib/shown.py" "$@"; } # see there

# Every packet that is ours is counted once, and ends one way.
expect_sums() {
	local sums
	sums=$(shown sums) || fail 'the sums do not hold'
	say "ok sums: $sums"
}

# Sets $other to another build of the same data path. Its object differs only in what BTF says of the sources.
# Several tests share it, so they build it one after the other.
build_another() {
	other=${O:-build}/upgraded
	(flock 9 && make -s O="$other" BPF_CFLAGS='-O2 -g -gno-column-info' "$other/wgxdp") > /dev/null 9> "$other.lock"
	! cmp -s "$build/wgxdp.linked.o" "$other/wgxdp.linked.o" || fail 'the other build has the same object'
	other=$(realpath "$other")/wgxdp
}

# The daemon is $daemon, and what it says in $work/daemon
start_daemon() { # OPTION...
	start "${on:-firewall}" "$wgxdp" daemon "$@" > "$work/daemon" 2>&1
	daemon=$!
	wait_for 30 "the daemon's readiness" grep -q 'up and followed' "$work/daemon"
}

end_daemon() {
	kill "$daemon"
	wait "$daemon" || fail "the daemon ended with status $?: $(< "$work/daemon")"
}

# What of it, or of others, is on a host: pins, XDP programs, qdiscs and filters. To be compared.
on_host() { # NAMESPACE
	local device
	find /sys/fs/bpf -path '*/wgxdp*' | sort
	for device in $(inside "$1" ip -br link show | sed 's/[@ ].*//'); do
		echo "$device: $(inside "$1" ip link show "$device" | grep -o 'prog/xdp id [0-9]*')"
		inside "$1" tc qdisc show dev "$device"
		inside "$1" tc filter show dev "$device" ingress
		inside "$1" tc filter show dev "$device" egress
	done
}

# All that a command could leave behind on a host, to be compared: that, interfaces, its files, sysctls, processes. But for what our own
# work needs: a lock, which stays.
traces() { # NAMESPACE
	on_host "$1"
	inside "$1" ip -o link show | awk '{print $2, $3}'
	find /run/wgxdp /run/state -mindepth 1 ! -name lock 2> /dev/null | sort
	{ inside "$1" sysctl -a 2> /dev/null || :; } | # procps 4.0.6 fails where one cannot be read
		grep -E '^(net|kernel.bpf|kernel.unpriv)' | grep -vE 'conntrack_count|nf_log'
	pgrep -x wgxdp || :
}

# NAMESPACE FILE WHAT: nothing is there that was not when FILE was written by traces, and nothing is missing; the kernel lets go of links in
# its own time
no_traces() {
	local deadline=$((SECONDS + 10))
	until traces "$1" | diff "$2" - > "$work/traces"; do
		((SECONDS < deadline)) || fail "$3: this is left: $(< "$work/traces")"
		sleep 0.05
	done
}

# The links, programs and maps that an instance holds, maps without a pin (constants) as well: KIND ID
bpf_objects() { # INSTANCE
	local pin kind
	while IFS= read -r pin; do
		for kind in link prog map; do # the status says nothing: Debian 13's bpftool shows a link and fails
			bpftool -j "$kind" show pinned "$pin" 2> /dev/null || :
		done
	done < <(find "/sys/fs/bpf/wgxdp/$1" -type f) | /usr/bin/python3 -c '
import json, sys
for line in sys.stdin:
    thing = json.loads(line)
    if "error" in thing:  # of another kind
        continue
    kind = "link" if "prog_id" in thing else "prog" if "tag" in thing else "map"
    print(kind, thing["id"])
    for id in thing.get("map_ids", []):
        print("map", id)' | sort -u
}

none_of_these() { # FILE: none of the objects that it lists is there any more
	local kind id
	while read -r kind id; do
		! bpftool "$kind" show id "$id" > /dev/null 2>&1 || return 1
	done < "$1"
}

need_tun() { [[ -c /dev/net/tun ]] || modprobe tun 2> /dev/null || fail 'no /dev/net/tun'; }

# --- WireGuard: $WGXDP_WG is kernel or go (default: the kernel's, if it is there)

choose_wireguard() {
	[[ ${WGXDP_WG:-} ]] || WGXDP_WG=$(if ip link add wgprobe type wireguard 2> /dev/null; then echo kernel; else echo go; fi)
	ip link del wgprobe 2> /dev/null || :
	case $WGXDP_WG in
	kernel) ;;
	go) need_tun ;;
	*) fail "WGXDP_WG is '$WGXDP_WG': kernel or go" ;;
	esac
}

# wireguard-go of 2023, which Debian 13 has, cuts the IPv6 address of a peer to four bytes where its device has IPv4 peers as well
mixes_families() { [[ $WGXDP_WG == kernel || $(wireguard-go --version) != *0.0.2023* ]]; }

# A device without peers yet. Its keys are $work/DEVICE.{key,pub}; its name is unique, for wireguard-go's socket does not
# belong to a namespace.
tunnel() { # NAMESPACE DEVICE ADDRESS [PORT]
	(umask 077 && wg genkey > "$work/$2.key")
	wg pubkey < "$work/$2.key" > "$work/$2.pub"
	if [[ $WGXDP_WG == kernel ]]; then
		inside "$1" ip link add "$2" type wireguard
	else
		inside "$1" wireguard-go "$2" > "$work/$2.log" 2>&1 || fail "wireguard-go: $(< "$work/$2.log")"
	fi
	inside "$1" wg set "$2" private-key "$work/$2.key" ${4:+listen-port "$4"}
	inside "$1" ip address add "$3" dev "$2"
	inside "$1" ip link set "$2" mtu 1420 up
}

key() { cat "$work/$1.pub"; } # DEVICE

endpoint_seen() { # NAMESPACE DEVICE PEER'S-DEVICE: where the device sees that peer
	inside "$1" wg show "$2" endpoints | awk -v key="$(key "$3")" '$1 == key {print $2}'
}

address_seen() { endpoint_seen "$@" | sed 's/:[0-9]*$//'; } # the same, without the port

handshaken() { # NAMESPACE DEVICE [KEY of a peer; default: its only one]
	[[ $(inside "$1" wg show "$2" latest-handshakes | awk -v key="${3:-}" '!key || $1 == key {print $2}') != 0 ]]
}
