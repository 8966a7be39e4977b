#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 180
# vm
# `wgxdp ddns` keeps records right by OVH's API and by a program of the admin. A stand-in for the API (ovh.py) checks
# signatures and calls by itself.
# - Only records that differ, A and AAAA, are written and refreshed. A failed refresh is repeated. Foreign records stay.
# - A shell-style file is imported but never run.
# - If the API refuses, fails, hangs, redirects or sends nonsense, the command reports it.
# - No output contains a secret.
# BREAK=1 changes the address in between.
#
#     published:  ens18 wg-end mgmt .1 -- 192.0.2.0/24 -- .2 eth api (ovh.py, name server)
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/ddns-said.sh"
source "$root/selftests/lib/ovh.sh"

on=wg-end
key=aK7dPbZx0Qm3LtVw
secret=s3cReTs3cReTs3cReTs3cReTs3cReT00
consumer=c0nSuMeRc0nSuMeRc0nSuMeRc0nSuMeR
api=$work/api
settings() { # LINE...: replaces lines of the same name
	cat <<- EOF
		# DynDNS
		export OVH_ENDPOINT="https://192.0.2.2:8080/1.0"
		OVH_APP_KEY='$key'
		OVH_APP_SECRET=$secret   # must not be readable by others
		OVH_CONSUMER_KEY="$consumer"
		OVH_ZONE=example.net; TTL=300
		RECORD_FQDNS=(
		    "wg-end.example.net"   # its own
		    firewall.example.net
		)
		IFACE=ens18
		LOG=/var/log/ddns.log
	EOF
	printf '%s\n' "$@"
}
live() { # NAME: prints its records, as the name servers have them
	awk -v name="$1" '$1 == name {print $2, $3, $4}' "$api/live" | xargs
}
wrote() { grep -cv '^GET' "$api/calls" || :; } # prints how often it has written so far
mode() { echo "$1" > "$api/mode"; }
address() { inside wg-end ip -6 address "$1" "$2/64" dev ens18 nodad "${@:3}"; }

namespaces wg-end api
cable wg-end mgmt api eth
cable wg-end ens18 api lan
addresses wg-end mgmt 192.0.2.1/24
addresses api eth 192.0.2.2/24
mkdir "$api"
echo "$key $secret $consumer" > "$api/keys"
: > "$api/calls"
mode ok
record() { printf '{"id": %s, "zone": "example.net", "subDomain": "%s", "fieldType": "%s", "target": "%s", "ttl": %s}' "$@"; }
echo "[ $(record 11 wg-end AAAA 2001:db8::bad 60), $(record 12 firewall A 203.0.113.1 300), $(record 13 firewall AAAA 2001:db8::1 300),
	$(record 14 firewall AAAA 2001:db8::2 300), $(record 15 mail CNAME wg-end.example.net. 0) ]" > "$api/records"
ovh_begins api 192.0.2.2
(umask 077 && settings > "$work/ddns.conf")

# --- no address to publish; the first time; no difference
ddns 2 --import "$work/ddns.conf"
says 'interface ens18 has no address that can be published' 'fqdn=firewall.example.net'
expect 'calls without an address' "$(wc -l < "$api/calls")" == 0
address add 2001:db8:1::10
ddns 0 --import "$work/ddns.conf" --dry-run
says 'DRY RUN: would write AAAA 2001:db8:1::10 ttl=300 fqdn=wg-end.example.net'
expect 'writes of a dry run' "$(wrote)" == 0
ddns 0 --import "$work/ddns.conf"
says 'AAAA 2001:db8:1::10 written ttl=300 fqdn=wg-end.example.net' 'AAAA 2001:db8:1::10 written ttl=300 fqdn=firewall.example.net'
expect 'wg-end' "$(live wg-end)" == 'AAAA 2001:db8:1::10 300'
expect 'firewall, whose A is not ours' "$(live firewall)" == 'A 203.0.113.1 300 AAAA 2001:db8:1::10 300'
expect 'writes: two changed, one too much, two refreshes' "$(wrote)" == 5
if [[ ${BREAK:-} ]]; then address add 2001:db8:2::10; address del 2001:db8:1::10; fi
ddns 0 --import "$work/ddns.conf"
expect 'writes where nothing differs' $(($(wrote) - 5)) == 0
says 'AAAA 2001:db8:1::10 unchanged fqdn=wg-end.example.net'

# --- the equal section, and a name without records
ddns 0 --import "$work/ddns.conf" --print
! grep -qE "$key|$secret|$consumer" "$work/said" || fail "secrets are printed: $(< "$work/said")"
sed 's/firewall.example.net/new.example.net, example.net/' "$work/said" > "$work/ddns.yaml"
before=$(wrote)
ddns 0 -c "$work/ddns.yaml"
expect 'a new name' "$(live new)" == 'AAAA 2001:db8:1::10 300'
grep -q '^ AAAA 2001:db8:1::10 300$' "$api/live" || fail "the zone's own name: $(< "$api/live")"
expect 'writes: two, and two refreshes' $(($(wrote) - before)) == 4
# an A record beside them
addresses wg-end ens18 203.0.113.5/24
{ cat "$work/ddns.yaml" && sed '1d; s/names: .*/names: [ new.example.net ]/; s/AAAA/A/' "$work/ddns.yaml"; } > "$work/four.yaml"
before=$(wrote)
ddns 0 -c "$work/four.yaml"
expect 'an A beside AAAA' "$(live new)" == 'A 203.0.113.5 300 AAAA 2001:db8:1::10 300'
expect 'writes: one, and a refresh' $(($(wrote) - before)) == 2
ddns 0 -c "$work/four.yaml"
expect 'writes where nothing differs' $(($(wrote) - before)) == 2
before=$(wrote)
sed -i "s/names: .*/names: [ WG-END.Example.NET, example.net ]/; s/zone: [^,]*/zone: Example.NET/" "$work/ddns.yaml"
mode unfiltered
ddns 0 -c "$work/ddns.yaml"
says 'AAAA 2001:db8:1::10 unchanged fqdn=WG-END.Example.NET' 'AAAA 2001:db8:1::10 unchanged fqdn=example.net'
expect 'writes for capitals, and where all records are found for the zone itself' $(($(wrote) - before)) == 0
mode ok

# --- what fails
before=$(wrote)
settings 'RECORD_FQDNS=(mail.example.net wg-end.example.net)' > "$work/cname.conf"
ddns 1 --import "$work/cname.conf"
says 'the name has a CNAME' 'fqdn=mail.example.net' 'AAAA 2001:db8:1::10 unchanged fqdn=wg-end.example.net' 'other users may read this secret'
settings "OVH_APP_SECRET=${secret}x" > "$work/wrong.conf"
ddns 1 --import "$work/wrong.conf"
says 'status 400: Invalid signature fqdn=wg-end.example.net'
for what in '403 status 403: This call has not been granted' '404 status 404' '500 status 500' 'echo status 403: (its message has a secret key' 'garbage is not valid' 'nested is not valid' 'redirect status 307' 'huge longer than 64 KiB'; do
	mode "${what%% *}"
	ddns 1 --import "$work/ddns.conf"
	says "${what#* }" fqdn=wg-end.example.net fqdn=firewall.example.net
done
! grep -q elsewhere "$api/calls" || fail 'a redirection was followed'
mode slow
took=$SECONDS
ddns 1 --import "$work/ddns.conf"
says 'timed out'
expect 'seconds for an API that hangs' $((SECONDS - took)) '<=' 25
mode writes
expect 'writes of what failed' $(($(wrote) - before)) == 0
address add 2001:db8:3::10
address del 2001:db8:1::10
ddns 1 --import "$work/ddns.conf"
says 'PUT /domain/zone/example.net/record/11: status 403'
expect 'after writes that were refused' "$(live wg-end)" == 'AAAA 2001:db8:1::10 300'
mode ok
ddns 0 --import "$work/ddns.conf"
expect 'when they are not' "$(live wg-end), $(live firewall)" == 'AAAA 2001:db8:3::10 300, A 203.0.113.1 300 AAAA 2001:db8:3::10 300'

# --- records that the name servers lack yet do not count as right
mode refresh
address add 2001:db8:4::10
address del 2001:db8:3::10
settings 'RECORD_FQDNS=(wg-end.example.net firewall.example.net late.example.net)' > "$work/late.conf"
ddns 1 --import "$work/late.conf"
says 'do not have them yet: POST /domain/zone/example.net/refresh: status 403' fqdn=wg-end.example.net fqdn=late.example.net
mode ok
ddns 0 --import "$work/late.conf"
expect 'after a refresh that failed' "$(live wg-end), $(live late)" == 'AAAA 2001:db8:4::10 300, AAAA 2001:db8:4::10 300'
# and if another section's refresh has removed the note in between
mode refresh
echo "${STATE_DIRECTORY:?}/default/ovh-example.net" > "$api/forget"
address add 2001:db8:3::10
address del 2001:db8:4::10
ddns 1 --import "$work/late.conf"
rm "$api/forget"
mode ok
ddns 0 --import "$work/late.conf"
expect 'after a refresh that failed beside another one' "$(live wg-end)" == 'AAAA 2001:db8:3::10 300'
address add 2001:db8:4::10
address del 2001:db8:3::10
ddns 0 --import "$work/late.conf"
# the run ends between the writes and the refresh
mode hang
address add 2001:db8:5::10
address del 2001:db8:4::10
before=$(wrote)
start wg-end "$wgxdp" ddns --import "$work/ddns.conf" > "$work/hangs" 2>&1
hangs=$!
refreshes() { tail -n 1 "$api/calls" | holds 'refresh' && (($(wrote) >= before + 3)); }
wait_for 10 'a refresh' refreshes
helper=$(pgrep -P $hangs)
kill -KILL $hangs -- "-$helper" # a helper has a process group of its own
wait $hangs 2> /dev/null || :
expect 'before the refresh' "$(live wg-end)" == 'AAAA 2001:db8:4::10 300'
mode ok
before=$(wrote)
ddns 0 --import "$work/ddns.conf"
expect 'after a refresh that did not take place' "$(live wg-end)" == 'AAAA 2001:db8:5::10 300'
expect 'writes: the refresh alone' $(($(wrote) - before)) == 1
before=$(wrote)
ddns 0 --import "$work/ddns.conf"
expect 'writes, when it has' $(($(wrote) - before)) == 0
address add 2001:db8:3::10
address del 2001:db8:5::10
ddns 0 --import "$work/ddns.conf"
settings 'OVH_ENDPOINT=https://192.0.2.2:8081' > "$work/down.conf"
ddns 1 --import "$work/down.conf"
says "connect to server"
# shellcheck disable=SC2016 # as it stands in the file
for line in 'TTL=$(touch '"$work"'/ran)' 'TTL="`touch '"$work"'/ran`"' 'touch '"$work/ran" 'RECORD_FQDNS=( $NAMES )' 'TTL=0' \
	'RECORD_FQDNS=( wg-end.example.org )' 'IFACE=' "OVH_APP_KEY='"; do
	settings "$line" > "$work/bad.conf"
	ddns 64 --import "$work/bad.conf"
	says "$work/bad.conf:13: "
done
[[ ! -e $work/ran ]] || fail 'a file was run'
! grep -qE "$secret|$consumer" "$work/all" || fail "a secret was said: $(grep -E "$secret|$consumer" "$work/all")"
[[ ! -s $work/ovh.err ]] || fail "$(< "$work/ovh.err")"

# --- by a program
cat > "$work/update" << EOF
#!/bin/sh
echo "\$*" >> $work/updates
env >> $work/environment
exit \$(cat $work/status)
EOF
chmod +x "$work/update"
echo 0 > "$work/status"
echo 'nameserver 192.0.2.2' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
printf '%s 300 %s\n' wg-end.example.net 2001:db8:3::10 firewall.example.net 2001:db8::1 > "$work/zone"
start api "$root/selftests/lib/dns.py" 192.0.2.2 "$work/zone" > "$work/dns"
wait_for 5 'the name server listens' grep -q listening "$work/dns"
cat > "$work/exec.yaml" << EOF
ddns:
  - interface: ens18
    names: [ wg-end.example.net, firewall.example.net ]
    provider: { exec: [ $work/update, "with a space" ] }
EOF
ddns 0 -c "$work/exec.yaml"
says 'AAAA 2001:db8:3::10 unchanged fqdn=wg-end.example.net' 'AAAA 2001:db8:3::10 written ttl=300 fqdn=firewall.example.net'
expect 'the arguments of the program' "$(< "$work/updates")" == 'with a space firewall.example.net AAAA 2001:db8:3::10 300'
expect 'its environment' "$(grep -vE '^(PATH|PWD)=' "$work/environment")" == ''
echo 7 > "$work/status"
ddns 1 -c "$work/exec.yaml"
says "$work/update failed with status 7 fqdn=firewall.example.net"
