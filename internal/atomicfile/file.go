// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Options say how a file is made. The zero value suits data.
type Options struct {
	Mode fs.FileMode // permissions, less the umask; 0 stands for 0600
}

// File is an output on its way. It belongs to one goroutine. It does not buffer:
// write large pieces.
type File struct {
	path   string   // as the caller named it, for messages
	target string   // where the file goes, symbolic links followed
	temp   string   // where it grows; empty when the target is written directly
	file   *os.File // nil when done
	err    error    // the first failed write
}

// errDone is for calls on a file that was committed or aborted.
var errDone = errors.New("file is closed")

// Create starts the output path. A file that is there already stays as it is
// until Commit replaces it; where path is a symbolic link, the file behind it.
// The directory must exist.
//
// The error is ErrLocked when another process is writing the same output. Opening
// a pipe that nobody reads waits for a reader.
func Create(path string, opt Options) (*File, error) {
	f, err := create(path, opt)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, bare(err))
	}
	return f, nil
}

func create(path string, opt Options) (*File, error) {
	if opt.Mode == 0 {
		opt.Mode = 0o600
	}
	target, direct, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if direct {
		// Append, for the sake of a regular file behind /dev/stdout.
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, err
		}
		return &File{path: path, target: path, file: file}, nil
	}
	temp := TempPath(target)
	file, err := createLocked(temp, opt.Mode.Perm())
	if err != nil {
		return nil, err
	}
	return &File{path: path, target: target, temp: temp, file: file}, nil
}

// resolve gives the file behind path, which need not exist, and whether it is
// something to write into rather than a file to replace.
func resolve(path string) (target string, direct bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if strings.HasSuffix(path, string(filepath.Separator)) {
			return "", false, syscall.EISDIR
		}
	case err != nil:
		return "", false, err
	case info.IsDir():
		return "", false, syscall.EISDIR
	case !info.Mode().IsRegular():
		return path, true, nil
	}
	for range 40 { // links; as many as the kernel follows
		// What a shell opened for us may be a regular file, but replacing it would
		// lose what others wrote to it.
		if strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/") {
			return path, true, nil
		}
		link, err := os.Readlink(path)
		if err != nil { // no link, or nothing there
			return path, false, nil //nolint:nilerr // what else is wrong shows when the file is made
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", false, syscall.ELOOP
}

// TempPath is the name under which the output path grows: ".NAME.partial" beside
// it, shortened with a checksum where that is longer than a name may be. Path must
// be the file itself, not a link to it.
func TempPath(path string) string {
	const (
		maxName = 255 // bytes; the limit of nearly every file system
		suffix  = ".partial"
	)
	dir, base := filepath.Split(path)
	if len(base)+len(".")+len(suffix) > maxName {
		sum := fnv.New64a()
		sum.Write([]byte(base))
		tail := fmt.Sprintf("-%016x", sum.Sum64())
		base = base[:maxName-len(".")-len(suffix)-len(tail)]
		base = strings.ToValidUTF8(base, "") + tail // some file systems refuse half a letter
	}
	return dir + "." + base + suffix
}

// Write adds p. After an error every further Write and the Commit fail with it.
func (f *File) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.file == nil {
		return 0, f.wrap("write", errDone)
	}
	n, err := f.file.Write(p)
	if err != nil {
		f.err = f.wrap("write", err)
	}
	return n, f.err
}

// Commit brings what was written to the disk and gives it its name. On an error
// nothing stands under that name but what stood there before; only when the last
// step, syncing the directory, fails, the new file is there already, whole, but
// may not outlive a power failure. The File is done in any case.
func (f *File) Commit() error {
	if f.file == nil {
		return f.wrap("commit", errDone)
	}
	if f.err != nil {
		return errors.Join(f.err, f.Abort())
	}
	if f.temp == "" {
		return f.commitDirect()
	}
	if err := f.publish(); err != nil {
		return errors.Join(err, f.Abort())
	}
	err := f.wrap("sync directory of", syncDir(filepath.Dir(f.target)))
	// The lock goes with the handle, so it is closed last.
	err = errors.Join(err, f.wrap("close", f.file.Close()))
	f.file = nil
	return err
}

// publish syncs the file and renames it.
func (f *File) publish() error {
	if err := f.file.Sync(); err != nil {
		return f.wrap("sync", err)
	}
	// Somebody may have removed the file, and a second run may have begun another.
	same, err := sameFile(f.file, f.temp)
	if err != nil {
		return f.wrap("rename", err)
	}
	if !same {
		return f.wrap("rename", fmt.Errorf("%s was removed meanwhile", f.temp))
	}
	return f.wrap("rename", os.Rename(f.temp, f.target))
}

// commitDirect ends a target that is no file of ours.
func (f *File) commitDirect() error {
	err := f.file.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // a pipe, a terminal: there is nothing to sync
	}
	err = errors.Join(f.wrap("sync", err), f.wrap("close", f.file.Close()))
	f.file = nil
	return err
}

// Abort gives the output up and removes what was written; what stood under its
// name before stays. After Commit or another Abort it does nothing.
func (f *File) Abort() error {
	if f.file == nil {
		return nil
	}
	var err error
	if f.temp != "" {
		// Only our own file: see publish.
		if same, _ := sameFile(f.file, f.temp); same {
			err = f.wrap("remove unfinished", os.Remove(f.temp))
		}
	}
	err = errors.Join(err, f.wrap("close", f.file.Close()))
	f.file = nil
	return err
}

// wrap says what was done to which output; the temporary name is no user's concern.
func (f *File) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", verb, f.path, bare(err))
}

// bare takes the operation and the path off an error of package os.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // a file system that cannot
	}
	return errors.Join(err, d.Close())
}
