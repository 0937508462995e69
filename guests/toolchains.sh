#!/bin/sh
# Installs a compiler that Debian does not have, in the version with which the
# committed guests were built, to a folder that may be thrown away afterwards:
#
#   guests/toolchains.sh assemblyscript PREFIX
#       then ASC=PREFIX/node_modules/.bin/asc guests/build.sh
set -eu
if [ $# -ne 2 ]; then
	echo "usage: $0 LANGUAGE PREFIX" >&2
	exit 2
fi
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
cd "$(dirname "$0")"

case $1 in
assemblyscript)
	cp sdk/assemblyscript/package.json sdk/assemblyscript/package-lock.json "$prefix"
	npm ci --prefix "$prefix" --ignore-scripts --no-audit --no-fund
	;;
*)
	echo "$0: there is no toolchain for $1" >&2
	exit 2
	;;
esac
