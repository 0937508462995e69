package virtual

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// cacheBytes is how much compiled code is kept between tests: that of some fifty large
// guests.
const cacheBytes = 512 << 20

// CacheDir returns a folder of the user's for compiled modules, or nothing if there can
// be none. To compile a module of Go's takes a second. Every change of a guest leaves one
// more there, so the oldest go when there are too many.
func CacheDir() string {
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir := filepath.Join(user, "wherry", "modules")
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	trim(dir, cacheBytes)
	return dir
}

// trim removes the oldest files below dir while there are more than most bytes of them.
// It does nothing where it cannot, and what another process misses is compiled again.
func trim(dir string, most int64) {
	type file struct {
		path     string
		size     int64
		modified time.Time
	}
	var files []file
	var total int64
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			files = append(files, file{path, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return a.modified.Compare(b.modified) })
	for _, f := range files {
		if total <= most {
			return
		}
		if os.Remove(f.path) == nil {
			total -= f.size
		}
	}
}
