package interop_test

import (
	"math/rand/v2"
	"strings"
)

// messageSizes are the lengths at which the frame header changes, the empty message,
// and the largest one that the server is told to take.
var messageSizes = [...]int{0, 1, 125, 126, 65535, 65536, 1 << 20, maxMessageBytes}

// text returns n bytes of valid UTF-8 with characters of one to four bytes.
func text(n int) []byte {
	const sample = "wherry, Fähre, 渡し船, ⛴, 𝒲 "
	s := strings.Repeat(sample, n/len(sample))
	return []byte(s + strings.Repeat(".", n-len(s)))
}

// binary returns n random bytes, the same ones every time.
func binary(n int) []byte {
	random := rand.New(rand.NewPCG(3, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}

// pieces cuts p into n parts, the first ones equal.
func pieces(p []byte, n int) [][]byte {
	var parts [][]byte
	for step := len(p) / n; len(parts) < n-1; p = p[step:] {
		parts = append(parts, p[:step])
	}
	return append(parts, p)
}
