#!/bin/sh
# Builds the guests whose .wasm files are committed, byte for byte: the tools'
# versions are part of their names, and nothing in the output depends on where
# or when it was built.
#
#   guests/build.sh           replace the committed files
#   guests/build.sh --check   build to a temporary folder and compare
#
# Debian: apt-get install clang-14 lld-14 wabt. Set CLANG, WASM_LD or WAT2WASM
# to use others.
set -eu
cd "$(dirname "$0")"

clang=${CLANG:-clang-14}
wasm_ld=${WASM_LD:-wasm-ld-14}
wat2wasm=${WAT2WASM:-wat2wasm}

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

failed=0
for file in echo/echo chat/chat recorder/recorder echo-wat/echo-wat transcripts/c/program $sdk/pieces $sdk/limits $examples $tests/puppet $tests/puppet-small $tests/puppet-eager \
	$tests/puppet-resume $tests/puppet-wide $tests/sneaky $meter/kernels $attacks/villain $attacks/tables $attacks/deep \
	$peers/broadcast $peers/endless; do
	built=$work/$(basename $file).wasm
	if [ "${1-}" != --check ]; then
		install -m 644 "$built" "$file.wasm"
	elif ! cmp "$built" "$file.wasm"; then
		failed=1
	fi
done
exit $failed
