# shellcheck shell=bash disable=SC2154,SC2034 # what lib.sh sets, and what is for who sources this
# SPDX-License-Identifier: GPL-2.0-or-later
# A name server (knot) whose zone example.net takes updates signed with $work/tsig.key (hmac-sha256) or $work/long.key
# (hmac-sha512), and wg-end, whose names are in it. Source lib.sh first. $name_server is its address; `ask` and `serial` ask from the namespace $asker.
#
#     published:  ens18 wg-end mgmt .. ::1 -- fd53::/64 -- ::53 eth dns

export on=wg-end
name_server=${name_server:-fd53::53} asker=${asker:-wg-end}
configuration() { # [KEYS of the section]: also uses $names, $server and $key
	cat <<- EOF
		ddns:
		  interface: ens18
		  names: [ ${names:-wg-end.example.net, firewall.example.net} ]
		  ${1:-ttl: 300}
		  provider: { rfc2136: { server: "${server:-$name_server}", zone: example.net, key-file: ${key:-$work/tsig.key} } }
	EOF
}
# `kdig` starts in a third of the time that `dig` takes
ask() { inside "$asker" kdig +norec +noall +answer "@$name_server" "$2" "$1" | awk '!/^;/ {print $5, $2}' | sort | paste -sd ' '; } # NAME TYPE: ADDRESS TTL
serial() { inside "$asker" kdig +short +retry=0 +time=1 "@$name_server" SOA example.net | awk '$3 ~ /^[0-9]+$/ {print $3}'; }
address() { inside wg-end ip -6 address "$1" "$2" dev ens18 nodad "${@:3}"; }
other_update() { # LINE...: an update by another client
	printf '%s\n' "server $name_server" 'zone example.net' "key hmac-sha256:wgxdp $(sed -n 's/^ *secret: *//p' "$work/tsig.key")" "$@" send |
		inside dns knsupdate
}
knot_answers() { [[ $(serial) ]]; }
start_knot() {
	start dns knotd -c "$work/knot.conf" > "$work/knot.log" 2>&1
	knot=$!
	wait_for 10 'knot answers' knot_answers
}

# A key in the format of knot's keymgr
tsig_key() { # NAME [ALGORITHM]
	local secret algorithm=${2:-hmac-sha256}
	secret=$(head -c 32 /dev/urandom | base64)
	printf '# %s:%s:%s\nkey:\n  - id: %s\n    algorithm: %s\n    secret: %s\n' "$algorithm" "$1" "$secret" "$1" "$algorithm" "$secret"
}

knot_network() {
	namespaces wg-end dns
	cable wg-end mgmt dns eth
	cable wg-end ens18 dns lan
	addresses wg-end mgmt fd53::1/64
	addresses dns eth "$name_server/64"
	knot_begins
}

# Needs an existing network, in which dns has $name_server
knot_begins() {
	count_arrivals dns updates 'udp dport 53 @th,80,8 & 0x78 == 0x28'
	mkdir "$work/knot"
	(umask 077 && tsig_key wgxdp > "$work/tsig.key" && tsig_key long hmac-sha512 > "$work/long.key")
	cat > "$work/knot.conf" << EOF
include: $work/tsig.key
include: $work/long.key
server:
    rundir: $work/knot
    listen: $name_server@53
database:
    storage: $work/knot
log:
  - target: stderr
    any: info
acl:
  - id: update
    key: [wgxdp, long]
    action: update
zone:
  - domain: example.net
    storage: $work/knot
    file: zone
    acl: update
    zonefile-sync: -1
    journal-content: all
EOF
	printf '%s\n' '@ 60 SOA ns.example.net. admin.example.net. 1 60 60 3600 60' '@ 60 NS ns' "ns 60 AAAA $name_server" \
		'mail 60 CNAME ns' > "$work/knot/zone"
	start_knot
}
