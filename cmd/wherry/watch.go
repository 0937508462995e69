package main

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A watcher finds out which files of a folder were changed, by looking at them: that
// works the same on every system and file system.
type watcher struct {
	dir   string
	files map[string]fileState // as they were when they were looked at last
}

// A fileState is what a file has in it. One that was written with the same contents has
// not changed: builds do that to what they make.
type fileState struct {
	size     int64
	modified time.Time
	digest   [sha256.Size]byte // of small ones
}

const (
	watchedFiles = 20_000  // more than a guest is made of
	digestBytes  = 4 << 20 // of a larger file its time has to do
)

// errManyFiles is why a folder is not watched.
var errManyFiles = errors.New("there are more than 20000 files in it")

// isWatched reports whether a file or folder can be a part of a guest's source. Hidden
// ones are not, nor what compilers leave.
func isWatched(name string, folder bool) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return false
	}
	if folder {
		return name != "node_modules" && name != "target"
	}
	return !slices.Contains([]string{".wasm", ".o", ".a", ".rlib"}, filepath.Ext(name))
}

// look returns the files that were made, changed or removed since the last time, in
// alphabetical order.
func (w *watcher) look() (changed []string, err error) {
	now, err := w.scan()
	if err != nil {
		return nil, err
	}
	for name, state := range now {
		if before, there := w.files[name]; !there || before.size != state.size || before.digest != state.digest ||
			state.size > digestBytes && !before.modified.Equal(state.modified) {
			changed = append(changed, name)
		}
	}
	for name := range w.files {
		if _, there := now[name]; !there {
			changed = append(changed, name)
		}
	}
	w.files = now
	slices.Sort(changed)
	return changed, nil
}

// scan returns the state of every file.
func (w *watcher) scan() (map[string]fileState, error) {
	now := make(map[string]fileState, len(w.files))
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != w.dir:
			return nil // it was removed just now
		case err != nil:
			return err
		case path == w.dir:
			return nil
		case !isWatched(entry.Name(), entry.IsDir()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		case len(now) == watchedFiles:
			return errManyFiles
		}
		name, err := filepath.Rel(w.dir, path)
		if err != nil {
			return err
		}
		state, err := w.state(name, entry)
		if err == nil {
			now[name] = state
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	return now, err
}

// state returns the state of a file. What was not written since then is not read again.
func (w *watcher) state(name string, entry fs.DirEntry) (fileState, error) {
	info, err := entry.Info()
	if err != nil {
		return fileState{}, err
	}
	before, there := w.files[name]
	if there && before.size == info.Size() && before.modified.Equal(info.ModTime()) {
		return before, nil
	}
	state := fileState{size: info.Size(), modified: info.ModTime()}
	if state.size <= digestBytes {
		content, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			return fileState{}, err
		}
		state.size, state.digest = int64(len(content)), sha256.Sum256(content)
	}
	return state, nil
}
