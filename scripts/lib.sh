# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts share. Source it first: it sets the shell's strict mode and
# the directories.

set -euo pipefail
export LC_ALL=C
# A make that we start is not part of the make that may have started us.
unset MAKEFLAGS MFLAGS MAKELEVEL

prog=${0##*/}
top=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

# The same two variables as the Makefile, with the same defaults; absolute,
# because some scripts change directory.
O=${O:-$top/build}
mkdir -p "$O"
O=$(cd "$O" && pwd)
TRAPLINE_CACHE=${TRAPLINE_CACHE:-$O/cache}
mkdir -p "$TRAPLINE_CACHE"
TRAPLINE_CACHE=$(cd "$TRAPLINE_CACHE" && pwd)
export O TRAPLINE_CACHE

# say TEXT... : progress goes to standard error, so that a script's output
# stays what it was asked for.
say()
{
	printf '%s: %s\n' "$prog" "$*" >&2
}

# die TEXT... : one line and status 1.
die()
{
	say "$*"
	exit 1
}

# have COMMAND : is it on PATH?
have()
{
	command -v "$1" >/dev/null 2>&1
}

# need COMMAND PACKAGE : end with a line that names the package.
need()
{
	have "$1" || die "$1 is missing: install the package $2," \
		"or run scripts/deps"
}

# lock NAME : hold $TRAPLINE_CACHE/lock/NAME until this script ends. Two
# callers that need the same thing wait for each other and build it once.
# Children that may outlive the script get it closed with 8>&-.
lock()
{
	mkdir -p "$TRAPLINE_CACHE/lock"
	exec 8>"$TRAPLINE_CACHE/lock/$1"
	if ! flock -n 8; then
		say "waiting for another run that makes $1"
		flock 8
	fi
}

# scratch : a directory of this run in $scratch, inside the cache so that a rename
# from it is atomic; removed when the script ends, Ctrl-C included.
scratch=
scratch()
{
	[ -z "$scratch" ] || return 0
	mkdir -p "$TRAPLINE_CACHE/tmp"
	# What a killed run left.
	find "$TRAPLINE_CACHE/tmp" -mindepth 1 -maxdepth 1 -mtime +0 \
		-exec rm -rf {} +
	scratch=$(mktemp -d "$TRAPLINE_CACHE/tmp/$prog.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# unpack DIR DEB... : extract packages into DIR.
unpack()
{
	local dir=$1 deb
	shift
	mkdir -p "$dir"
	for deb; do
		dpkg-deb -x "$deb" "$dir" || die "cannot unpack $deb:" \
			"remove it and run again"
	done
}

# kvm_here : is this an ARM machine whose /dev/kvm we may use?
kvm_here()
{
	case $(uname -m) in
	aarch64 | armv7* | armv8l) [ -r /dev/kvm ] && [ -w /dev/kvm ] ;;
	*) false ;;
	esac
}
