//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wasmhost

import (
	"fmt"
	"syscall"
)

// reserve maps private anonymous memory that is not charged until it is
// touched.
func reserve(n int) ([]byte, error) {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("wasmhost: reserve %d bytes of guest memory: %w", n, err)
	}
	return b, nil
}

func unreserve(b []byte) {
	if err := syscall.Munmap(b); err != nil {
		panic(fmt.Sprintf("wasmhost: unmap %d bytes of guest memory: %v", len(b), err))
	}
}
