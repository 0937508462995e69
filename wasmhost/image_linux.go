package wasmhost

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An imageFile holds an image in a file that has no name, whose pages all
// mappings share until they write to them.
type imageFile struct {
	file *os.File
	size int
}

// open writes b to a file, and reports whether that worked.
func (f *imageFile) open(b []byte) bool {
	fd, err := unix.MemfdCreate("wherry image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return false
	}
	file := os.NewFile(uintptr(fd), "image")
	// A mapping of a file that shrinks faults, and a fault in guest code would
	// kill the process: so it is sealed against everything.
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := file.Write(b); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		if err == nil {
			f.file, f.size = file, len(b)
			return true
		}
	}
	file.Close()
	return false
}

func (f *imageFile) close() {
	if f.file != nil {
		f.file.Close() // mappings live on
		f.file = nil
	}
}

// overlay maps the file over the front of b, which is a mapping, so that its
// bytes are there and are b's own once they are written.
func (f *imageFile) overlay(b []byte) error {
	if f.file == nil {
		return nil
	}
	return mmapFixed(b[:f.size], int(f.file.Fd()))
}

// mmapFixed replaces the pages of b with private ones of a file.
func mmapFixed(b []byte, fd int) error {
	_, err := unix.MmapPtr(fd, 0, unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	return err
}
