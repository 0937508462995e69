#!/bin/sh
# Builds the guests whose .wasm files are committed, byte for byte: the tools'
# versions are part of their names, and nothing in the output depends on where
# or when it was built.
#
#   guests/build.sh           replace the committed files
#   guests/build.sh --check   build to a temporary folder and compare
#
# Debian: apt-get install clang-14 lld-14 wabt. Set CLANG, WASM_LD or WAT2WASM
# to use others. Guests in AssemblyScript are built with the asc that ASC names or
# PATH has (toolchains.sh installs one), those in Rust with the rustc that RUSTC names
# or PATH has (the same); without any they are left out, unless CI is set.
set -eu
cd "$(dirname "$0")"

clang=${CLANG:-clang-14}
wasm_ld=${WASM_LD:-wasm-ld-14}
wat2wasm=${WAT2WASM:-wat2wasm}
asc=${ASC:-asc}
rustc=${RUSTC:-rustc}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build_c SOURCE NAME [FLAG...]: SOURCE to NAME.wasm. wasm-ld is called directly because the driver of
# clang runs whatever wasm-opt it finds. The stack comes first in memory, so
# that overflowing it traps instead of writing over data. Of the custom
# sections only the functions' names stay: a trap's trace is readable then.
build_c() {
	source=$1 name=$2
	shift 2
	"$clang" --target=wasm32 -std=c11 -ffreestanding -nostdlib -O2 -mbulk-memory \
		-Wall -Wextra -Werror -Wno-unused-function -Wno-int-to-pointer-cast \
		-fno-ident -I sdk/c "$@" -c "$source" -o "$work/$name.o"
	"$wasm_ld" --no-entry --gc-sections --strip-debug --stack-first -z stack-size=16384 \
		-o "$work/$name.wasm" "$work/$name.o"
}

# build_wat SOURCE NAME: SOURCE to NAME.wasm.
build_wat() {
	"$wat2wasm" --debug-names "$1" -o "$work/$2.wasm"
}

# keep BUILT FILE: replaces the committed file, or compares with it.
check=${1-}
failed=0
keep() {
	if [ "$check" != --check ]; then
		install -m 644 "$1" "$2"
	elif ! cmp "$1" "$2"; then
		failed=1
	fi
}

# build_assemblyscript SOURCE: SOURCE.ts to SOURCE.wasm. Names of functions and
# places of assertions are paths from here, and no others.
build_assemblyscript() {
	mkdir -p "$work/$(dirname "$1")"
	"$asc" "$1.ts" --config sdk/assemblyscript/asconfig.json -o "$work/$1.wasm"
	keep "$work/$1.wasm" "$1.wasm"
}

# has_assemblyscript tells whether there is the compiler, in the version that
# gives the same bytes.
has_assemblyscript() {
	version=$(sed -n 's/.*"assemblyscript": "\(.*\)".*/\1/p' sdk/assemblyscript/package.json)
	found=$("$asc" --version 2>/dev/null) || found=none
	[ "$found" = "Version $version" ] && return
	echo "guests in AssemblyScript need asc $version, there is: $found" >&2
	[ -z "${CI-}" ] || exit 1
	return 1
}

# has_rust tells whether there is the compiler, in the version that gives the same
# bytes, and with a standard library for wasm32.
has_rust() {
	version='rustc 1.63.0'
	found=$("$rustc" --version 2>/dev/null) || found=none
	if [ "$found" = "$version" ] && [ -d "$("$rustc" --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
		return
	fi
	echo "guests in Rust need $version with wasm32-unknown-unknown, there is: $found" >&2
	[ -z "${CI-}" ] || exit 1
	return 1
}

# wasm_rust ARG...: runs rustc for wasm32. Paths are from here, and it is told to
# forget where here is. Of the custom sections the functions' names stay, as in C,
# mangled in the way that keeps the types whose methods they are.
wasm_rust() {
	"$rustc" --edition 2021 --target wasm32-unknown-unknown -D warnings --remap-path-prefix "$PWD=" \
		-C opt-level=2 -C codegen-units=1 -C panic=abort -C debuginfo=0 -C symbol-mangling-version=v0 \
		-C linker="$wasm_ld" "$@"
}

# build_rust SOURCE FILE: SOURCE to FILE.wasm, with the SDK. A stack of 128 KiB is enough
# for the deepest JSON.
build_rust() {
	if [ ! -e "$work/libwherry.rlib" ]; then
		wasm_rust --crate-type rlib --crate-name wherry --out-dir "$work" sdk/rust/src/lib.rs
	fi
	mkdir -p "$work/$(dirname "$2")"
	wasm_rust --crate-type cdylib --crate-name "$(basename "$2")" -C lto -C strip=debuginfo -C link-arg=-zstack-size=131072 \
		--extern wherry="$work/libwherry.rlib" -o "$work/$2.wasm" "$1"
	keep "$work/$2.wasm" "$2.wasm"
}

build_c echo/echo.c echo
build_c chat/chat.c chat
build_c recorder/recorder.c recorder
build_wat echo-wat/echo-wat.wat echo-wat

# The SDK for C: the program of the transcripts, what its tests run, and examples.
sdk=sdk/c/testdata
examples=
build_c transcripts/c/program.c program
build_c $sdk/pieces.c pieces
build_c $sdk/limits.c limits
for name in doorman plain limiter; do
	examples="$examples examples/$name/c/$name"
	build_c examples/$name/c/$name.c $name
done

# Guests that only tests run.
tests=../runtime/testdata
build_c $tests/puppet.c puppet
build_c $tests/puppet.c puppet-small -DPUPPET_INBOX_BYTES=4096 '-DPUPPET_WANTS=wherry_bit(WHERRY_KIND_WRITABLE)'
build_c $tests/puppet.c puppet-eager -DPUPPET_INBOX_BYTES=4096 \
	'-DPUPPET_WANTS=wherry_bit(WHERRY_KIND_TIMER)|wherry_bit(WHERRY_KIND_REQUEST)|wherry_bit(WHERRY_KIND_STOP)'
build_c $tests/puppet.c puppet-resume '-DPUPPET_WANTS=wherry_bit(WHERRY_KIND_WRITABLE)|wherry_bit(WHERRY_KIND_RESUME)|wherry_bit(WHERRY_KIND_STOP)'
build_c $tests/puppet.c puppet-wide -DWHERRY_OUTBOX_RECORDS=65536
build_wat $tests/sneaky.wat sneaky
meter=../wasmhost/internal/meter/testdata
build_c $meter/kernels.c kernels

# Guests that attack.
attacks=../internal/attack/testdata
build_c $attacks/villain.c villain
build_wat $attacks/tables.wat tables
build_wat $attacks/deep.wat deep

# Guests that are measured.
peers=../bench/peers/wherry
build_c $peers/broadcast.c broadcast
build_c $peers/endless.c endless

for file in echo/echo chat/chat recorder/recorder echo-wat/echo-wat transcripts/c/program $sdk/pieces $sdk/limits $examples $tests/puppet $tests/puppet-small $tests/puppet-eager \
	$tests/puppet-resume $tests/puppet-wide $tests/sneaky $meter/kernels $attacks/villain $attacks/tables $attacks/deep \
	$peers/broadcast $peers/endless; do
	keep "$work/$(basename $file).wasm" "$file.wasm"
done

if has_assemblyscript; then
	build_assemblyscript sdk/assemblyscript/testdata/probe
	build_assemblyscript transcripts/assemblyscript/program
	for example in errors presence relay; do
		build_assemblyscript examples/$example/assemblyscript/$example
	done
fi

if has_rust; then
	build_rust transcripts/rust/src/lib.rs transcripts/rust/program
	for example in chat session jsonrpc; do
		build_rust examples/$example/rust/$example.rs examples/$example/rust/$example
	done
fi
exit $failed
