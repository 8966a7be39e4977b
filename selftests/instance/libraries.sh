#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The firewall and its daemon run while optional libraries are not installed, and what needs one names it and its
# package. wgxdp opens these libraries when it needs them. While they are not installed, the firewall and its daemon
# run. `check` and the daemon name the missing library and its package, and there is no challenge. When the libraries
# are back, a reload is enough. A firewall that needs none of them loads none. BREAK=1 leaves them installed all the
# time.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

declare -A soname=() package=()
while read -r _ name value; do
	value=${value//\"/}
	case $name in
	*_SONAME) soname[${name%_SONAME}]=$value ;;
	*_PACKAGE) package[${name%_PACKAGE}]=$value ;;
	esac
done < <(grep '^#define' "$build/libraries.h")
expect 'libraries that are opened' "${#soname[@]}" == 3

hidden=()
hide() { # LIBRARY...: a program that looks for them now finds no library
	local library path
	[[ ! ${BREAK:-} ]] || return 0
	for library; do
		path=$(ldconfig -p | awk -v name="${soname[$library]}" '$1 == name && !n++ {print $NF}')
		[[ $path ]] || fail "${soname[$library]} is not installed"
		mount --bind /dev/null "$(realpath "$path")"
		hidden+=("$(realpath "$path")")
	done
}
unhide() { umount "${hidden[@]}"; hidden=(); }
says() { # LIBRARY WHAT FILE: it says which library and which package
	grep -q "$2.*${soname[$1]}.*: install the package ${package[$1]}" "$3" || fail "$2 does not name ${soname[$1]}: $(< "$3")"
	say "ok $(grep -m 1 -o "$2.*${soname[$1]}.*" "$3")"
}
scraped() { inside firewall curl -sf -o /dev/null http://127.0.0.1:9851/metrics; }
has_open() { grep -q "/${soname[$1]}" "/proc/$daemon/maps"; }

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
sent=0
all_arrived() { [[ $(arrived wg-end all_of_them) == "$sent" ]]; }
forwards() { # WHEN
	inside client "$udptool" send -n 100 -r 2000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	sent=$((sent + 100))
	wait_for 5 "100 more forwarded, $1" all_arrived
	say "ok 100 of 100 forwarded, $1"
}

# --- a firewall that needs none of them

service_file dnat
start_daemon -c "$work/wgxdp.yaml"
forwards 'by a daemon that needs no library'
for library in "${!soname[@]}"; do
	! has_open "$library" || fail "${soname[$library]} is in the memory of a daemon that has no use for it"
done
say 'ok none of them is in its memory'
end_daemon
cp "$work/wgxdp.yaml" "$work/plain.yaml"

# --- one that needs them, where they are not installed

hide "${!soname[@]}"
cat >> "$work/wgxdp.yaml" << EOF
exporter: { listen: [ "127.0.0.1:9851" ] }
EOF
sed "/backend:/a\\    wireguard: { public-key: \"$(wg genkey | wg pubkey)\", challenge: { above: 100/s } }" "$work/wgxdp.yaml" > "$work/guarded.yaml"
status=0
inside firewall "$wgxdp" check -c "$work/guarded.yaml" > "$work/check" 2>&1 || status=$?
expect 'status of check' $status == 3
says MHD exporter "$work/check"
says SODIUM challenge "$work/check"

start_daemon -c "$work/wgxdp.yaml"
says MHD exporter "$work/daemon"
forwards 'by a daemon that cannot open one'
mv "$work/guarded.yaml" "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'the daemon says that it cannot send cookies' grep -q 'the guard challenges no clients' "$work/daemon"
says SODIUM 'the guard challenges no clients' "$work/daemon"
for library in SODIUM MHD; do
	! has_open "$library" || fail "the daemon has opened ${soname[$library]}, which is not installed"
done

# --- and when they are

unhide
kill -HUP "$daemon"
wait_for 5 'the exporter answers' scraped
wait_for 5 'libsodium is open' has_open SODIUM
say 'ok installed and reloaded: the exporter answers, libsodium is open'
end_daemon
