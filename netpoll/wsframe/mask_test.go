package wsframe

import (
	"bytes"
	"testing"
)

// TestUnmask compares unmask with the sentence of RFC 6455, section 5.3, at
// every length around its steps, and sees that it keeps to its bytes.
func TestUnmask(t *testing.T) {
	key := [4]byte{0x01, 0x72, 0x43, 0x14}
	k := loadKey(key[:])
	for n := range 200 {
		for _, odd := range []int{-1, 0, n / 2, n - 1} { // where a byte is not ASCII
			plain := bytes.Repeat([]byte("x"), n)
			ascii := odd < 0 || odd >= n
			if !ascii {
				plain[odd] = 0x80
			}
			masked := make([]byte, n)
			for i := range masked {
				masked[i] = plain[i] ^ key[i%4]
			}
			dst := bytes.Repeat([]byte{0xee}, n+8)
			if got := unmask(dst, masked, k); got != ascii || !bytes.Equal(dst[:n], plain) {
				t.Fatalf("%d bytes: %q, ascii %v; want %q, %v", n, dst[:n], got, plain, ascii)
			}
			if !bytes.Equal(dst[n:], bytes.Repeat([]byte{0xee}, 8)) {
				t.Fatalf("%d bytes: wrote past its payload", n)
			}
			if got := unmask(masked, masked, k); got != ascii || !bytes.Equal(masked, plain) {
				t.Fatalf("%d bytes in place: %q, ascii %v; want %q, %v", n, masked, got, plain, ascii)
			}
		}
	}
}

func TestUnmaskRefusesShortDst(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 40} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes into %d: no panic", n, n-1)
				}
			}()
			unmask(make([]byte, n-1), make([]byte, n), 0)
		}()
	}
}

func TestRotate(t *testing.T) {
	key := loadKey([]byte{0, 1, 2, 3})
	for n := range 9 {
		if got := byte(rotate(key, n)); got != byte(n%4) {
			t.Errorf("byte %d is masked with key byte %d", n, got)
		}
	}
}
