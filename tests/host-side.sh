# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# The part of a nested test that runs in the host; see tests/lib.sh.
cd /share || exit 1

# t NAME COMMAND... : run it, keep output, errors and status.  Standard input
# is NAME.in where the test left one.
t()
{
	t_name=$1
	shift
	echo "--- $t_name: $*"
	if [ -e "$t_name.in" ]; then
		"$@" <"$t_name.in" >"$t_name.out" 2>"$t_name.err"
	else
		"$@" </dev/null >"$t_name.out" 2>"$t_name.err"
	fi
	echo $? >"$t_name.status"
}


# passt calls pivot_root, which the first root of a kernel does not allow: move
# into a mount of the same tree, where the script begins anew.  Called first.
root_for_passt()
{
	[ -z "${MOVED-}" ] || return 0
	export MOVED=1
	mkdir /run/root
	mount --rbind / /run/root
	cd /run/root || exit 1
	mount --move . /
	exec chroot . sh /share/script
}

# A network of the host's own that leads nowhere, for passt to take its guest's
# address from: 10.0.2.15, by 10.0.2.2.
net_for_passt()
{
	ip addr add 10.0.2.15/24 dev dummy0
	ip link set dummy0 up
	ip route add default via 10.0.2.2
}
