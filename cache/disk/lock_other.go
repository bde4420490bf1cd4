//go:build !unix

package disk

import (
	"errors"
	"os"
)

// lock has no way to keep a second process out here, and two would destroy each other's files.
func lock(string) (*os.File, error) {
	return nil, errors.New("a cache on disk needs flock(2), which this system does not have")
}
