# shellcheck shell=bash disable=SC2154 # what lib.sh has
# SPDX-License-Identifier: GPL-2.0-or-later
# keepalived in namespaces. Source lib.sh first. $work/NAMESPACE.conf is its file.
declare -A keepalived=() # process ids, by namespace

keepalived_begins() { # NAMESPACE
	start "$1" keepalived -nl -f "$work/$1.conf" -p "$work/$1.pid" -r "$work/$1.vrrp" >> "$work/$1.keepalived" 2>&1
	keepalived[$1]=$!
}
keepalived_ends() { # NAMESPACE
	kill "${keepalived[$1]}"
	wait "${keepalived[$1]}" || :
}
