#!/bin/sh
# Installs a compiler, in the version with which the committed guests were built,
# to a folder that may be thrown away afterwards:
#
#   guests/toolchains.sh assemblyscript PREFIX
#       then ASC=PREFIX/node_modules/.bin/asc guests/build.sh
#   guests/toolchains.sh rust PREFIX
#       then RUSTC=PREFIX/bin/rustc guests/build.sh
#       (Debian 12 on amd64, with lld-14; 500 MB, unpacked beside what is installed)
set -eu
if [ $# -ne 2 ]; then
	echo "usage: $0 LANGUAGE PREFIX" >&2
	exit 2
fi
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
cd "$(dirname "$0")"

# install_rust unpacks Debian's rustc with the standard library for wasm32, and the
# version of LLVM that it was built with. The compiler finds none of it in a folder
# of its own, so scripts tell it.
install_rust() {
	rust=1.63.0+dfsg1-2
	cd "$prefix"
	set -- rustc=$rust libstd-rust-1.63=$rust libstd-rust-dev=$rust libstd-rust-dev-wasm32=$rust libllvm14=1:14.0.6-12
	apt-get -qq download "$@" 2>/dev/null ||
		{ apt-get -o DPkg::Lock::Timeout=400 -qq update && apt-get -qq download "$@"; }
	for package in *.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x --exclude='*/wasm32-wasi*' --exclude='./usr/share/*'
		rm "$package"
	done
	mkdir -p bin
	for tool in rustc rustdoc; do
		cat >bin/$tool <<-SCRIPT
			#!/bin/sh
			LD_LIBRARY_PATH='$prefix/usr/lib/x86_64-linux-gnu' PATH='$prefix/bin':"\$PATH" exec '$prefix/usr/bin/$tool' "\$@"
		SCRIPT
		chmod +x bin/$tool
	done
	ln -sf "$(command -v lld-14)" bin/rust-lld
}

case $1 in
assemblyscript)
	cp sdk/assemblyscript/package.json sdk/assemblyscript/package-lock.json "$prefix"
	npm ci --prefix "$prefix" --ignore-scripts --no-audit --no-fund
	;;
rust)
	install_rust
	;;
*)
	echo "$0: there is no toolchain for $1" >&2
	exit 2
	;;
esac
