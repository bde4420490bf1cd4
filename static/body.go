package static

import (
	"io"

	"skerry.dev/skerry/fault"
)

// content is a file as the source of an answer's body, whose hold on the entry it takes over.
type content file

var errShrunk = fault.New(fault.OriginIncomplete, "the file became shorter while it was sent")

// View reads from an offset on. A file that has grown is cut where its answer ends, since no more is asked for; one that
// has become shorter, or cannot be read, ends the answer with an error.
func (c *content) View(off int64, buf []byte) ([]byte, error) {
	n, err := c.open.ReadAt(buf, off)
	switch {
	case err == io.EOF && n < len(buf):
		err = errShrunk
	case err == io.EOF:
		err = nil
	case err != nil:
		err = fault.Wrap(fault.OriginIncomplete, "the file cannot be read on", err)
	}
	return buf[:n], err
}

// Close lets go of the entry.
func (c *content) Close() error {
	c.entry.release()
	return nil
}
