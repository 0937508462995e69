package wasmhost

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A codeCache looks after the folder in which the engine keeps compiled code. The
// engine names a file by the digest of the module that it has compiled, which is
// the rewritten one, and by its own version; it writes it under another name first.
// But it believes what it reads: so each file gets a seal beside it, the digest of
// its contents, and what has none that fits when a host starts is removed and
// compiled again. That finds damage. Who may write to the folder can write both.
type codeCache struct {
	dir string // empty: there is none

	mu     sync.Mutex
	sealed time.Time // when that was last done. Guarded by mu.
}

const sealSuffix = ".sha256"

// sealEvery is how long code may lie unsealed. To find what is new means to list
// the folder, which takes long where there is much.
const sealEvery = time.Second

// files calls f for every file of the engine's, with the seal that it should have.
func (c *codeCache) files(f func(path string) error) error {
	if c.dir == "" {
		return nil
	}
	folders, err := filepath.Glob(filepath.Join(c.dir, "wazero-*"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), ".tmp") {
				continue // somebody is writing it
			}
			if err := f(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// check removes what is not as it was sealed.
func (c *codeCache) check() error {
	err := c.files(func(path string) error {
		if code, ok := strings.CutSuffix(path, sealSuffix); ok {
			if _, err := os.Stat(code); errors.Is(err, fs.ErrNotExist) {
				return os.Remove(path)
			}
			return nil
		}
		want, err := os.ReadFile(path + sealSuffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		got, err := sealOf(path)
		if err != nil || bytes.Equal(got, want) {
			return err
		}
		return os.Remove(path)
	})
	if err != nil {
		return fmt.Errorf("wasmhost: compile cache: %w", err)
	}
	return nil
}

// seal seals what is new, if that was not done just now. It does nothing where it
// cannot: what is not sealed is compiled again.
func (c *codeCache) seal(now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" || !now && time.Since(c.sealed) < sealEvery {
		return
	}
	_ = c.files(func(path string) error {
		if strings.HasSuffix(path, sealSuffix) {
			return nil
		}
		if _, err := os.Stat(path + sealSuffix); err == nil {
			return nil
		}
		seal, err := sealOf(path)
		if err != nil {
			return err
		}
		return writeWhole(path+sealSuffix, seal)
	})
	c.sealed = time.Now()
}

// sealOf returns the digest of a file.
func sealOf(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// writeWhole writes a file that is there with all of b, or not at all.
func writeWhole(path string, b []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
