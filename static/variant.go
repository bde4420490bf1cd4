package static

import (
	"strconv"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// variant is the representation that a request gets: a file, or the copy of it in a coding that its client accepts.
type variant struct {
	visit
	file
	kind     *mediaType
	coding   *coding // nil: none
	varies   bool    // there is a copy in some coding, sent or not
	fallback bool    // it stands for what is not there
	tag      []byte  // ETag; nil: none
	strong   bool    // tag and modified are strong validators
}

// coding is a content coding that files are kept in beside the original.
type coding struct {
	name   []byte // of Content-Encoding
	suffix string // of the file's name
}

// codings are those of precompressed files, best first.
var codings = [...]coding{{[]byte("br"), ".br"}, {[]byte("zstd"), ".zst"}, {[]byte("gzip"), ".gz"}}

// open finds the file of a name and the variant for this client.
func (v *variant) open(x *exchange.Exchange, name []byte) *fault.Error {
	whole := string(name)
	var err *fault.Error
	if v.file, err = v.visit.file(whole); err != nil {
		return err
	}
	v.kind = typeOf(name)
	if !v.kind.packed {
		v.choose(x, whole)
	}
	v.setTag(x)
	return nil
}

// choose looks for copies in a coding. One that is older than the file is that of an earlier content; whoever makes
// copies must make them after the file or give them its date. A copy that cannot be opened is as good as none.
func (v *variant) choose(x *exchange.Exchange, name string) {
	accepted, date := acceptedCodings(x), v.modified
	for i := range codings {
		c := &codings[i]
		take := v.coding == nil && accepted[i]
		if !take && v.varies {
			continue
		}
		at := visit{v.root, v.look || !take}
		copied, err := at.file(name + c.suffix)
		if err != nil {
			continue
		}
		if copied.modified.Before(date) {
			copied.close()
			continue
		}
		v.varies = true
		if take {
			v.file.close()
			v.file, v.coding = copied, c
		}
	}
}

// acceptedCodings says which of codings the client may get. Where the compress stage ran it has settled on one; to serve
// another that the client accepts as well would be wrong for a cache, which keeps answers by what was settled.
func acceptedCodings(x *exchange.Exchange) (accepted [len(codings)]bool) {
	if settled := x.Facts.Encoding.Accept; settled != "" {
		for i := range codings {
			accepted[i] = string(codings[i].name) == settled
		}
		return accepted
	}
	for i := range x.Req.Fields {
		if x.Req.Fields[i].ID != exchange.NameAcceptEncoding {
			continue
		}
		for list := x.Req.Fields[i].Value; len(list) > 0; {
			var name []byte
			name, list = weighted(list)
			for i := range codings {
				accepted[i] = accepted[i] || exchange.EqualFold(name, codings[i].name)
			}
		}
	}
	return accepted
}

// setTag makes the entity tag (RFC 9110 section 8.8.3) of size, date and coding. The inode is no part of it, so that every
// edge with a copy of the directory makes the same tag, as long as the copies keep the dates.
func (v *variant) setTag(x *exchange.Exchange) {
	if v.stamp == 0 {
		return
	}
	v.strong = now(x).Sub(time.Unix(0, int64(v.stamp))) >= settleTime
	piece := x.Scratch.Alloc(etagBytesMax)
	tag := piece[:0]
	if !v.strong {
		tag = append(tag, "W/"...)
	}
	tag = strconv.AppendUint(append(tag, '"'), uint64(v.size), 16)
	tag = strconv.AppendUint(append(tag, '-'), v.stamp, 16)
	if v.inode != 0 {
		tag = strconv.AppendUint(append(tag, '-'), v.inode, 16)
	}
	if v.coding != nil {
		tag = append(append(tag, '-'), v.coding.name...)
	}
	v.tag = x.Scratch.Trim(piece, len(append(tag, '"')))
}
