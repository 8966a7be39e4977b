# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by all selftests and the demo: networks of namespaces, WireGuard at their ends, and checks of the counters.
#
# A script that sources this starts again in a sandbox (scripts/sandbox): names of namespaces and devices are its own,
# and the sandbox removes everything at the end. The script runs in the project's root. Exit status: 0 passed, 77
# skipped (the reason on the last line), else failed. With BREAK=1 in the environment some scripts break what they test,
# and must fail.
set -euo pipefail

root=$(realpath "${BASH_SOURCE[0]%/*}/../..")
if [[ ! ${WGXDP_APART:-} ]]; then
	WGXDP_APART=1 exec "$root/scripts/sandbox" "$(realpath "$0")" "$@"
fi
cd "$root"
build=$(realpath "${O:-build}")
wgxdp=$build/wgxdp
udptool=$build/selftests/udptool
export port=51820 # every service has it
work=$(mktemp -d /run/selftest.XXXXXX)

fail() {
	[[ ! -s ${work:-}/daemon ]] || { echo "the daemon's log ends:"; tail -n 5 "$work/daemon" || :; } >&2
	echo "FAIL: $*" >&2
	exit 1
}
skip() { echo "$*"; exit 77; }
say() { clock && printf '%3d.%02d  %s\n' $(((centis - began_at) / 100)) $(((centis - began_at) % 100)) "$*"; }

# A process costs 10 to 20 ms on a virtual machine. The functions below that tests call most often start none.
clock() { read -r centis _ < /proc/uptime && centis=${centis/./}; } # sets $centis, in hundredths of a second by the kernel's clock
clock
began_at=$centis
ms() { clock && echo $((centis * 10)); } # milliseconds
elapsed() { clock && printf '%d.%02d\n' $(((centis - began_at) / 100)) $(((centis - began_at) % 100)); } # seconds
exec {nap_pipe}<> <(:) # a pipe without a writer
nap() { read -rt "$1" -u "$nap_pipe" || :; } # SECONDS: a sleep without a process

# WHAT LEFT OPERATOR RIGHT: compares numbers, or words with == and !=; prints the result, and ends the test if it does
# not hold
expect() {
	local -A integer=(['<']=-lt ['<=']=-le ['>']=-gt ['>=']=-ge)
	case $3 in
	== | !=) [[ $2 == "$4" ]] && [[ $3 == == ]] || { [[ $2 != "$4" && $3 == != ]]; } ;;
	-*) fail "$1: awk does not know $3" ;;
	*) if [[ $2:$4 =~ ^(0|[1-9][0-9]*):(0|[1-9][0-9]*)$ && ${integer[$3]:-} ]]; then
		test "$2" "${integer[$3]}" "$4"
	else
		awk -v a="$2" -v b="$4" "BEGIN {exit !(a $3 b)}"
	fi ;;
	esac || fail "$1: $2, expected $3 $4"
	say "ok $1: $2"
}

# Prints the time limit for an event. Time is measured only by scripts/test --long and not in a VM. Elsewhere the limit
# is generous, because the machine may be busy.
at_most() { # MS
	if [[ ${WGXDP_STRICT:-} ]]; then echo "$1"; else echo $(($1 * 50)); fi
}

wait_for() { # SECONDS WHAT COMMAND...: waits until COMMAND succeeds; if time is not measured, five times as long
	local patience=5 soon=4 what=$2 tries=0 pause
	[[ ! ${WGXDP_STRICT:-} ]] || patience=1 soon=10
	local deadline=$((SECONDS + $1 * patience + 1))
	shift 2
	until "$@" > /dev/null 2>&1; do
		((SECONDS < deadline)) || fail "waited in vain: $what"
		((++tries > soon)) && pause=0.1 || pause=0.0$((soon == 4 ? 2 * tries : 2)) # each try starts processes
		nap $pause
	done
}

all_run() { # PID...: checks that each process runs
	local pid
	(($#)) || return
	for pid; do kill -0 "$pid" 2> /dev/null || return; done
}
gone() { ! kill -0 "$1" 2> /dev/null; } # PID

# Like grep, for its status only, but reads to the end. A grep that stops at the match would make the writer of the pipe
# fail, and with pipefail the pipe.
holds() { grep "$@" | cat > /dev/null; }

# --- networks

inside() { "$build/selftests/inside" "$@"; } # NAMESPACE COMMAND...
start() { "$build/selftests/inside" "$@" & } # like inside, in the background; $! is its process

# Prints how many of COUNT pings had no reply, SECONDS after the last of them at the latest. With -c alone, ping waits for
# its last replies only as long as two others took, which is too short on a busy machine. With -w, it sends more packets
# while replies are missing. It ends with the first ICMP error, so all later packets count as lost. An interval takes up
# to a jiffy longer than ping is told, so the time is 5 % longer.
unanswered() { # NAMESPACE ADDRESS -c COUNT [-i INTERVAL] -W SECONDS [OPTION...]
	local count=$4 interval=1 options=("${@:5}") seconds
	[[ $5 != -i ]] || interval=$6 options=("${@:7}")
	seconds=$(awk "BEGIN {print int(($count - 1) * $interval * 1.05 + ${options[1]} + 0.999)}")
	inside "$1" ping -n -c "$count" -i "$interval" -w "$seconds" "${options[@]}" "$2" | unanswered_in "$count" || :
}
unanswered_in() { # COUNT: reads ping's output, and prints how many of the first COUNT pings had no reply
	awk -F icmp_seq= -v n="$1" '/bytes from/ && $2 + 0 <= n && !seen[$2 + 0]++ {replies++} END {print n - replies}'
}

# Sends rounds of N packets while something else happens. It adds rounds until that has happened often enough, because
# the machine may be slow. $sent is the number of packets.
sends() { # N ARGUMENT...: arguments of `udptool send`, run by the host client
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
	local ns plugs=() lines=''
	for ns; do lines+="netns add $ns"$'\n' plugs+=("$ns" lo); done
	ip -b - <<< "$lines"
	"$build/selftests/plug" "${plugs[@]}"
}

routers() { # NAMESPACE...: enables forwarding
	local ns
	for ns; do inside "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
}

cable() { # NAMESPACE DEVICE NAMESPACE DEVICE [INDEX of the former]
	ip link add "$2" netns "$1" ${5:+index "$5"} type veth peer name "$4" netns "$3"
	"$build/selftests/plug" "$1" "$2" "$3" "$4"
}

# A kernel before 6.3 does not report what the other end can take. Then wgxdp relies on an XDP program there.
takes_xdp() { # NAMESPACE DEVICE [PROGRAM]
	inside "$1" ip link set "$2" xdpdrv obj "$build/selftests/peer.bpf.o" program "${3:-pass}"
}

# Without a MAC address of its own, a bridge takes the lowest one of its ports. A new port then changes it, and hosts that know
# the former one send in vain until they ask again.
bridge_with_address() { # NAMESPACE DEVICE ADDRESS...
	inside "$1" ip link add "$2" address 02:00:00:00:00:01 type bridge
	inside "$1" ip link set "$2" up
	addresses "$@"
}

# nodad: even without duplicate address detection, an address is tentative until the kernel has processed it
addresses() { # NAMESPACE DEVICE ADDRESS...
	local address lines=''
	for address in "${@:3}"; do
		lines+="address add $address dev $2 "
		[[ $address != *:* ]] || lines+=nodad
		lines+=$'\n'
	done
	ip -n "$1" -b - <<< "$lines"
}

gateways() { # NAMESPACE ADDRESS...: default routes
	local lines
	printf -v lines 'route replace default via %s\n' "${@:2}"
	ip -n "$1" -b - <<< "$lines"
}

has_vlans() {
	unshare --net sh -c '{ ip link add probe type dummy || ip link add probe type veth; } && ip link add link probe name probe.1 type vlan id 1' 2> /dev/null
}

# Keeps VLAN tags in the frame, so that XDP sees them
tags_in_frames() { # NAMESPACE DEVICE
	inside "$1" ethtool -K "$2" txvlan off rxvlan off tx-vlan-stag-hw-insert off rx-vlan-stag-hw-parse off > /dev/null
}

tagged() { # NAMESPACE DEVICE NAME ID [PROTOCOL]
	inside "$1" ip link add link "$2" name "$3" type vlan ${5:+protocol "$5"} id "$4"
	inside "$1" ip link set "$3" up
}

mac() { # NAMESPACE DEVICE
	local mac
	read -r _ _ mac _ < <(ip -n "$1" -br link show "$2") && echo "$mac"
}
index() { # NAMESPACE DEVICE
	local index
	IFS=: read -r index _ < <(ip -n "$1" -o link show "$2") && echo "$index"
}

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

# Connects each site to a nic of the relay: lSITE of the relay, with ::1 of the site's /64, and eth of the site, with ::10
sites_on_nics() { # SITE...
	local site
	for site; do
		cable relay "l$site" "$site" eth
		takes_xdp "$site" eth
		addresses relay "l$site" "${overlay:?}:$site::1/64"
		addresses "$site" eth "$overlay:$site::10/64"
		gateways "$site" "$overlay:$site::1"
	done
}

# --- senders and receivers (udptool)

# Starts a listener: its output goes to $work/NAME, and $! is its process
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

# Sends $work/file: the second half slowly while $work/hold exists
pour() {
	exec 3< "$work/file"
	dd bs=64k count=$((${size:?} / 131072)) <&3
	while [[ -e $work/hold ]] && dd bs=16k count=1 <&3; do sleep 0.05; done
	cat <&3
} 2> /dev/null
# Sends $work/file, of $size bytes, over TCP: FROM TO ADDRESS [FROM'S-ADDRESS]. The test can do something before
# transfer_ends.
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

# SECONDS WHAT BYTES COMMAND...: runs COMMAND in the middle of a transfer, after BYTES. If $work/hold exists, the
# transfer does not end before the command.
midway() {
	wait_for "$1" "$2: $3 bytes" arrived_bytes "$3"
	"${@:4}"
	rm -f "$work/hold"
	! transfer_over 2> /dev/null || fail "$2: over before ${*:4}"
}
arrived_bytes() { (($(stat -c %s "$work/got" 2> /dev/null || echo 0) >= $1)); }

# --- packets counted by the kernel, before anything can drop or translate them

# Adds an nft counter NAME for the packets that match RULE. Several rules may share a counter.
count_arrivals() { # NAMESPACE NAME RULE...
	inside "$1" nft -f - <<- EOF
		add table inet seen
		add chain inet seen arrivals { type filter hook prerouting priority -310; policy accept; }
		add counter inet seen $2
		add rule inet seen arrivals ${*:3} counter name $2
	EOF
}

arrived() { "$build/selftests/seen" "$@"; } # NAMESPACE NAME...: prints the packets of all these counters together

reassembled() { # NAMESPACE: prints the number of reassembled datagrams, IPv4 and IPv6
	inside "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '$1 == "Ip6ReasmOKs" {n += $2}
		$1 == "Ip:" && !column {for (i = 1; i <= NF; i++) if ($i == "ReasmOKs") column = i; next}
		$1 == "Ip:" {n += $column}
		END {print n}'
}

# Drops what no socket listens for. Otherwise the kernel's ICMP errors would be counted.
quiet() { # NAMESPACE...
	local ns
	for ns; do
		inside "$ns" nft -f - <<- EOF
			add table inet quiet
			add chain inet quiet output { type filter hook output priority 0; }
			add rule inet quiet output icmp type destination-unreachable drop
			add rule inet quiet output icmpv6 type destination-unreachable drop
		EOF
	done
}

# Prints how many packets the driver itself redirected, which it counts only in native XDP.
driver_redirects() { # NAMESPACE DEVICE
	inside "$1" ethtool -S "$2" | awk '/xdp_redirect:/ {sum += $2} END {print sum + 0}'
}

# --- wgxdp, on the firewall unless $on names another host

wgxdp() { inside "${on:-firewall}" "$wgxdp" "$@"; }

# A LAN with two hosts behind a switch, both known to the firewall as neighbours
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

# For firewall_network: sends 10.0.0.0/8 to the client, with fixed MACs, so that no neighbour is unresolved
packets_by_test_run() { # HOST...: the last numbers of addresses of wg-end
	local host
	inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
	inside firewall ip neigh replace 198.51.100.7 lladdr "$(mac client uplink)" nud permanent dev wan
	for host; do inside firewall ip neigh replace "192.168.1.$host" lladdr "$(mac wg-end eth)" nud permanent dev lan; done
}

# Sends ten packets of the client, and checks that they come to wg-end.
ten_come() { # COUNTER WHEN [PORT]
	local before
	before=$(arrived wg-end "$1")
	inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:${3:-$port}" > /dev/null
	wait_for 5 "$2: forwarded" came "$1" $((before + 10))
}
came() { (($(arrived wg-end "$1") == $2)); }

# Collects the packets that match a pcap filter, on all devices, until watched(), which sets $many.
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

service_file() { # NAT: writes $work/wgxdp.yaml, with a service of both families on $port
	cat > "$work/wgxdp.yaml" <<- YAML
		interfaces: [ { name: wan, role: wan } ]
		services:
		  - name: wg-end
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    nat: $1
	YAML
	[[ $1 == none ]] || printf '    %s\n' "listen: { interface: wan, ports: [ $port ] }" 'ipv6: dnat' >> "$work/wgxdp.yaml"
}

masquerading() { # FLOWS: prints a configuration with a masquerading service on $port, and these keys of its flows
	cat <<- YAML
		services:
		  - name: many
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    nat: masquerade
		    flows: { $1 }
	YAML
}

shown() { wgxdp show --json | "$build/selftests/shown" "$@"; } # see shown.c

# Checks that every packet of the service is counted once and ends in one way.
expect_sums() {
	local sums
	sums=$(shown sums) || fail 'the sums do not hold'
	say "ok sums: $sums"
}

# Sets $other to another build of the same data path. Its object differs only in BTF's information about the sources.
# Several tests share it, so they build it in turn.
build_another() {
	other=${O:-build}/upgraded
	(flock 9 && make -s O="$other" BPF_CFLAGS='-O2 -g -gno-column-info' "$other/wgxdp") > /dev/null 9> "$other.lock"
	! cmp -s "$build/wgxdp.linked.o" "$other/wgxdp.linked.o" || fail 'the other build has the same object'
	other=$(realpath "$other")/wgxdp
}

# Stops the daemon while it has not locked the instance, so that commands of wgxdp can run
stop_unlocked() { flock /run/wgxdp/default/lock kill -STOP "$daemon"; }

# Starts the daemon: sets $daemon, and its output goes to $work/daemon
start_daemon() { # OPTION...
	start "${on:-firewall}" "$wgxdp" daemon "$@" > "$work/daemon" 2>&1
	daemon=$!
	wait_for 30 "the daemon's readiness" grep -q 'the daemon follows changes' "$work/daemon"
	((! $#)) || ! grep -qs "^exporter:" "${@: -1}" || wait_for 10 'the exporter' exporter_serves
}
exporter_serves() { grep -qE 'exporter: (serves|cannot serve)' "$work/daemon"; }
exporter() { pgrep -P "$daemon" -f 'wgxdp.* exporter'; } # prints the process of the daemon's exporter

end_daemon() {
	kill "$daemon"
	wait "$daemon" || fail "the daemon ended with status $?: $(< "$work/daemon")"
}

# Prints the pins, XDP programs, qdiscs and filters on a host, for a comparison. The filters of a device follow its
# qdiscs, which name it.
on_host() { # NAMESPACE
	find /sys/fs/bpf -path '*/wgxdp*' | sort
	inside "$1" ip -o link show > "$work/devices"
	grep -oE '^[0-9]+: [^:@]*|prog/xdp id [0-9]*' "$work/devices" | sed 's/^[0-9]*: //'
	sed -E 's/^[0-9]+: ([^:@]*).*/qdisc show dev \1\nfilter show dev \1 ingress\nfilter show dev \1 egress/' "$work/devices" |
		inside "$1" tc -b -
}

# Prints everything that a command could leave on a host, for a comparison: on_host, interfaces, files, sysctls and
# processes. Leaves out a lock of the tests.
traces() { # NAMESPACE
	on_host "$1"
	inside "$1" ip -o link show | awk '{print $2, $3}'
	find /run/wgxdp /run/state -mindepth 1 ! -name lock 2> /dev/null | sort
	{ inside "$1" sysctl -a 2> /dev/null || :; } | # procps 4.0.6 fails if one sysctl cannot be read
		grep -E '^(net|kernel.bpf|kernel.unpriv)' | grep -vE 'conntrack_count|nf_log'
	pgrep -x wgxdp || :
}

# NAMESPACE FILE WHAT: compares traces with FILE. The kernel releases links with a delay.
no_traces() {
	local deadline=$((SECONDS + 10))
	until traces "$1" | diff "$2" - > "$work/traces"; do
		((SECONDS < deadline)) || fail "$3: this is left: $(< "$work/traces")"
		nap 0.05
	done
}

# Prints the links, programs and maps of an instance as KIND ID, with maps that are not pinned (constants).
bpf_objects() { "$build/selftests/objects" "/sys/fs/bpf/wgxdp/$1" | sort -u; } # INSTANCE

none_of_these() { "$build/selftests/objects" -g "$1"; } # FILE: checks that none of the objects in FILE exists any more

# Writes the files with the key and the credentials that docs/examples name
ddns_files() {
	mkdir -p /etc/wgxdp
	mount -t tmpfs none /etc/wgxdp
	echo 'hmac-sha256:update:AAAA' > /etc/wgxdp/tsig.key
	printf 'OVH_APP_KEY=a\nOVH_APP_SECRET=b\nOVH_CONSUMER_KEY=c\n' > /etc/wgxdp/ovh.conf
}

# Makes the lists that the examples name, after ddns_files
example_lists() { # NAMESPACE
	echo 192.0.2.66 > /etc/wgxdp/blocklist
	inside "$1" nft -f - <<- EOF
		table inet filter { set blocklist { type ipv4_addr; }; }
		table ip crowdsec { set crowdsec-blacklists { type ipv4_addr; flags timeout; }; }
		table ip6 crowdsec6 { set crowdsec6-blacklists { type ipv6_addr; flags timeout; }; }
		table inet f2b-table { set addr-set-sshd { type ipv4_addr; }; set addr6-set-sshd { type ipv6_addr; }; }
	EOF
}

need_tun() { [[ -c /dev/net/tun ]] || modprobe tun 2> /dev/null || fail 'no /dev/net/tun'; }

# --- WireGuard: $WGXDP_WG is kernel or go (default: the kernel's, if it is available), also for wg-quick

choose_wireguard() {
	[[ ${WGXDP_WG:-} ]] || WGXDP_WG=$(if ip link add wgprobe type wireguard 2> /dev/null; then echo kernel; else echo go; fi)
	ip link del wgprobe 2> /dev/null || :
	case $WGXDP_WG in
	kernel) ;;
	go) need_tun; export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go ;;
	*) fail "WGXDP_WG is '$WGXDP_WG': kernel or go" ;;
	esac
}

# wireguard-go since 2023, in Debian 13 and later, sends some packets of an IPv6 peer to the first four bytes of its
# address if the device has IPv4 peers as well. strace shows 2001:db8:: in place of 2001:db8::c.
mixes_families() { [[ $WGXDP_WG == kernel || $(wireguard-go --version) == *0.0.2022* ]]; }

# Creates a device without peers. Its keys are $work/DEVICE.{key,pub}. Its name is unique, because wireguard-go's socket
# does not belong to a namespace.
tunnel() { # NAMESPACE DEVICE ADDRESS [PORT]
	(umask 077 && wg genkey > "$work/$2.key")
	wg pubkey < "$work/$2.key" > "$work/$2.pub"
	if [[ $WGXDP_WG == kernel ]]; then
		inside "$1" ip link add "$2" type wireguard
	else
		inside "$1" wireguard-go "$2" > "$work/$2.log" 2>&1 || fail "wireguard-go: $(< "$work/$2.log")"
	fi
	inside "$1" wg set "$2" private-key "$work/$2.key" ${4:+listen-port "$4"}
	ip -n "$1" -b - <<< "address add $3 dev $2"$'\n'"link set $2 mtu 1420 up"
}

key() { # DEVICE
	local key
	read -r key < "$work/$1.pub" && echo "$key"
}

endpoint_seen() { # NAMESPACE DEVICE PEER'S-DEVICE: prints the peer's endpoint as the device sees it
	inside "$1" wg show "$2" endpoints | awk -v key="$(key "$3")" '$1 == key {print $2}'
}

address_seen() { endpoint_seen "$@" | sed 's/:[0-9]*$//'; } # the same without the port

# WireGuard sends an initiation first, and starts the timer of 5 seconds for the next one afterwards. On a busy machine
# the response comes in between, and the timer goes on: a new session then begins without a reason. Call this after the
# handshakes, before you record which sessions there are.
sessions_settle() { sleep 6; }

handshaken() { # NAMESPACE DEVICE [KEY of a peer; default: its only one]
	[[ $(inside "$1" wg show "$2" latest-handshakes | awk -v key="${3:-}" '!key || $1 == key {print $2}') != 0 ]]
}
