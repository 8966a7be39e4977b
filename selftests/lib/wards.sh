# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts with one fault. Source lib.sh first. `doctor` must report this fault and no other; the test runs the fix that it
# prints, word for word. BREAK=1 leaves out the fault: then doctor must not report it.

mkdir "${work:?}/bin"
ln -s "${wgxdp:?}" "$work/bin/wgxdp"
# Fixes on other hosts are printed as ssh commands. This ssh runs them in the namespace with that address.
cat > "$work/bin/ssh" << 'EOF'
#!/bin/bash
ns=$(awk -v address="$1" '$1 == address {print $2}' "${0%/*}/hosts")
[[ $ns ]] || exit 255
exec nsenter --net="/run/netns/$ns" bash -c "${*:2}"
EOF
chmod 755 "$work/bin/ssh"
host_is() { echo "$1 $2" >> "$work/bin/hosts"; } # ADDRESS NAMESPACE

wrong() { [[ ${BREAK:-} ]] || inside "${on:-firewall}" "$@"; } # COMMAND...: a command that makes the fault

# Prints a word of each finding of that state in $work/doctor.json, whose lines have one key each
found() { # STATE [KEY]
	awk -v state="$1" -v key="${2:-check}" '
		function text(json) {
			sub(/,$/, "", json)
			if (json == "null" || json == "\"\"")
				return "-"
			json = substr(json, 2, length(json) - 2)
			gsub(/\\\\/, "\001", json)
			gsub(/\\"/, "\"", json)
			gsub(/\\n/, "\n", json)
			gsub(/\001/, "\\", json)
			return json
		}
		match($0, /^      "[a-z]+": /) {value[substr($0, 8, RLENGTH - 10)] = text(substr($0, RLENGTH + 1))}
		/^    }/ && value["state"] == state {print value[key]}' "$work/doctor.json"
}

doctor() { # [ARGUMENT...]: sets $status to its exit status
	status=0
	wgxdp doctor --json "$@" > "$work/doctor.json" 2> "$work/doctor.err" || status=$?
	[[ $status == 0 || $status == 3 ]] || fail "doctor: status $status: $(< "$work/doctor.err")"
}

names() { # CHECK [ARGUMENT...]: checks that doctor reports CHECK; sets $cure to the fix
	doctor "${@:2}"
	[[ $status == 3 && $(found problem) == "$1" ]] ||
		fail "$1 is wrong, and doctor (status $status) says: $(wgxdp doctor "${@:2}" | grep -v '^ok' || :)"
	cure=$(found problem fix)
	say "ok $1: $(found problem found)"
}

heals() { # [ARGUMENT...]: runs the fix; doctor must report nothing then
	say "   $cure"
	PATH=$work/bin:$PATH inside "${on:-firewall}" bash -ec "$cure" > "$work/cured" 2>&1 || fail "the cure: $(< "$work/cured")"
}

content() { # [ARGUMENT...]
	doctor "$@"
	[[ $status == 0 && ! $(found problem) ]] || fail "doctor is not content (status $status): $(found problem found)"
}

# No warning either, except about this machine's clock, which the test cannot set
healthy() { # WHAT [ARGUMENT...]
	content "${@:2}"
	! found warning | holds -vx clock || fail "$1: doctor warns: $(wgxdp doctor "${@:2}" | grep -A 1 '^warning')"
	say "ok $1: $(found ok | wc -l) things looked at, all well"
}

# The fault keeps packets from passing. It is reported and fixed.
treated() { # CHECK [ARGUMENT...]
	! works || fail "$1: packets pass, whatever is wrong"
	names "$@"
	heals
}
works() { question; } # sourcing scripts may replace it

passes() { # ARGUMENT...: arguments of udptool ask
	inside client "${udptool:?}" ask -n 10 -r 2000 -w 300 "${@}" > "$work/asked" 2>&1 && [[ $(said asked answered) == 10 ]]
}

# --- firewalls of firewall_network(), with a listener of udptool behind them

size=32
question() { # clears the path MTU of the client, which stays for ten minutes
	inside client ip route flush cache
	passes -D -s $size 198.51.100.7:4000 198.51.100.1:"${port:?}"
}
passes_again() { # WHAT
	wait_for 5 "$1: packets pass" question
	content
	wgxdp down > /dev/null
}
firewall_up() { wgxdp up --wan wan --lan lan --to 192.168.1.10 > "$work/up" 2>&1 || fail "up: $(< "$work/up")"; }

# --- other instances, named like their host

instance_up() { # NAMESPACE
	on=$1
	wgxdp up --instance "$1" -c "$work/$1.yaml" > "$work/up" 2>&1 || fail "$1: up: $(< "$work/up")"
}

# Follows changes, like a host with the daemon's unit
instance_followed() { # NAMESPACE
	start "$1" "$wgxdp" daemon --instance "$1" -c "$work/$1.yaml" > "$work/daemon-$1" 2>&1
	wait_for 30 "the daemon of $1" grep -q 'the daemon follows changes' "$work/daemon-$1"
	on=$1
}

# --- tunnels

# A new peer, because WireGuard otherwise retries only after five seconds
anew() { # NAMESPACE DEVICE PEER'S-DEVICE ENDPOINT ALLOWED
	inside "$1" wg set "$2" peer "$(key "$3")" remove
	inside "$1" wg set "$2" peer "$(key "$3")" allowed-ips "$5" endpoint "$4"
}
tunnel_treated() { # CHECK
	treated "$1"
	retry
	wait_for 10 "$1: the tunnel" works
	content
}

# --- a relay with two interfaces to the internet, and the edge router of a site

#     edge  .7 -- 192.0.2.0/24 -- .1 net .254 -- 198.51.100.0/24 -- .1 eth0 relay     the relay's default route is over eth0,
#      wgx                               .254 -- 203.0.113.0/24 --- .1 eth1  wgr      the edge's packets come in by eth1
# works() asks through the tunnel; retry() makes the edge open a new session.
# shellcheck disable=SC2317 # the tests call them
relay_of_two_ways() {
	overlay=fd12:3456:789a ends=fd12:3456:7899
	on=relay
	works() { inside edge ping -q -c 1 -W 0.5 "$ends::1"; } > /dev/null
	retry() { anew edge wgx wgr "203.0.113.1:$port" "$overlay::/48,$ends::1/128"; }
	namespaces edge net relay
	routers net relay
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
	tunnel relay wgr $ends::1/128 "$port"
	tunnel edge wgx $ends::a/128
	inside edge ip route add $ends::1 dev wgx
}
