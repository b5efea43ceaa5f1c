// SPDX-License-Identifier: Apache-2.0

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ErrLocked says that another process, or another File of this one, holds the
// output or the directory.
var ErrLocked = errors.New("another process is writing it")

// DirLock holds a directory for this process; see LockDir.
type DirLock struct {
	path string
	dir  *os.File
}

// LockDir takes the directory path for this process until Close or the process's
// end. Nothing is written: the lock is on the directory itself. The error is
// ErrLocked when another process has it.
func LockDir(path string) (*DirLock, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, bare(err))
	}
	if err := lock(dir); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, errors.Join(err, dir.Close()))
	}
	return &DirLock{path: path, dir: dir}, nil
}

// Close lets the directory go.
func (l *DirLock) Close() error {
	if err := l.dir.Close(); err != nil {
		return fmt.Errorf("unlock %s: %w", l.path, bare(err))
	}
	return nil
}

// createLocked makes the file path anew and locks it. A file that is there and
// that nobody holds was left by a killed process; it is removed, not reused, so
// that neither its permissions nor a handle that somebody has on it matter.
//
// Between any two steps here another process may do its own. So a lock counts only
// when the locked file still stands under its name; else the file was renamed or
// removed by its former owner, and all begins again.
func createLocked(path string, mode fs.FileMode) (*os.File, error) {
	for range 100 {
		file, fresh, err := openOrCreate(path, mode)
		if errors.Is(err, fs.ErrNotExist) && !fresh {
			continue // gone between two looks
		}
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		same, err := sameFile(file, path)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if same && fresh {
			return file, nil
		}
		if same {
			err = os.Remove(path)
		}
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
	return nil, ErrLocked // others come and go all the time
}

// openOrCreate creates path, fresh then being true, or opens the regular file that
// is there. A file that exists is never opened for writing.
func openOrCreate(path string, mode fs.FileMode) (file *os.File, fresh bool, err error) {
	file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if !errors.Is(err, fs.ErrExist) {
		return file, true, err
	}
	// Non-blocking, lest a pipe of that name hold us up.
	file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, fmt.Errorf("replace %s: %w", path, bare(err))
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("replace %s: %w", path, bare(err)), file.Close())
	}
	return file, false, nil
}

// lock takes the file without waiting.
func lock(file *os.File) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	err = conn.Control(func(fd uintptr) {
		for {
			lockErr = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
			if !errors.Is(lockErr, syscall.EINTR) {
				return
			}
		}
	})
	if errors.Is(lockErr, syscall.EWOULDBLOCK) {
		lockErr = ErrLocked
	}
	return errors.Join(err, lockErr)
}

// sameFile reports whether path still names the open file.
func sameFile(file *os.File, path string) (bool, error) {
	open, err := file.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(open, named), nil
}

// LockFile takes an open file for this process until it is closed, without waiting. The
// error is ErrLocked when another process, or another opening of it, has it.
func LockFile(file *os.File) error {
	if err := lock(file); err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}
