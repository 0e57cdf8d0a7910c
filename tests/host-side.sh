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

