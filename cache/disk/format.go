package disk

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// All numbers are little endian. A segment is a file header and then records without gaps. A record is a header of headerBytes
// and a payload. Nothing is ever written twice at one place.

// version stands in each file header. A file of another version is removed: a cache is not worth a migration.
const version = 1

const (
	fileMagic   = "SKERRYCD"
	fileBytes   = 64
	headerBytes = 64
	recordMagic = 0x5ce1
)

// kind says what a record is.
type kind uint8

const (
	kindObject  kind = 1 + iota // an object with its body
	kindLarge                   // an object whose body is a file of its own: with this record it is whole
	kindRemoval                 // all objects of a key before this are gone; no payload
	kindPurge                   // a purge
	kindEnd
)

const (
	flagSoft   uint8 = 1 << iota // of an object: a soft purge had met it before it was written; of a purge: it is a soft one
	flagSecure                   // of an object: its scheme is https
)

// header stands before each record's payload.
type header struct {
	kind   kind
	flags  uint8
	length uint32 // of the payload
	sum    uint32 // CRC-32C of the payload
	seq    uint64 // the order in which things happened: see Disk.tick
	number uint64 // of purges, as package storage counts
	id     id     // of an object or a removal
	sig    uint32 // hash of the variant's signature
	body   uint64 // the number of its body file
	size   int64  // of that file
}

// fileHeader begins a segment.
type fileHeader struct {
	segment uint64 // its number: one more than its predecessor's
	before  uint64 // how long the predecessor was when this one was begun, so that a truncated one is noticed
	seq     uint64 // the clock then: all objects in it are later, and its run is that of the process that wrote it
}

var (
	errTorn   = errors.New("the record goes on beyond the end of the file")
	errBroken = errors.New("the record is broken: its checksum does not fit")
)

// table is CRC-32C; hash/crc32 uses the processor's instruction for it.
var table = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, table) }

func updateSum(sum uint32, b []byte) uint32 { return crc32.Update(sum, table, b) }

// headerSum covers the segment's number too: a header that lies in another file than it was written to does not fit.
func headerSum(b []byte, segment uint64) uint32 {
	var own [8]byte
	binary.LittleEndian.PutUint64(own[:], segment)
	sum := crc32.Update(crc32.Update(0, table, own[:]), table, b[:12])
	return crc32.Update(sum, table, b[16:headerBytes])
}

// put writes h to the first headerBytes of b.
func (h *header) put(b []byte, segment uint64) {
	le := binary.LittleEndian
	le.PutUint16(b, recordMagic)
	b[2], b[3] = byte(h.kind), h.flags
	le.PutUint32(b[4:], h.length)
	le.PutUint32(b[8:], h.sum)
	le.PutUint64(b[16:], h.seq)
	le.PutUint64(b[24:], h.number)
	le.PutUint64(b[32:], h.id.url)
	le.PutUint32(b[40:], h.id.key)
	le.PutUint32(b[44:], h.sig)
	le.PutUint64(b[48:], h.body)
	le.PutUint64(b[56:], uint64(h.size))
	le.PutUint32(b[12:], headerSum(b, segment))
}

// parseHeader reads the header of a record of a segment. errTorn: b is too short; errBroken: it is none.
func parseHeader(b []byte, segment uint64) (header, error) {
	if len(b) < headerBytes {
		return header{}, errTorn
	}
	le := binary.LittleEndian
	if le.Uint16(b) != recordMagic || le.Uint32(b[12:]) != headerSum(b, segment) {
		return header{}, errBroken
	}
	h := header{
		kind: kind(b[2]), flags: b[3], length: le.Uint32(b[4:]), sum: le.Uint32(b[8:]), seq: le.Uint64(b[16:]), number: le.Uint64(b[24:]),
		id: id{le.Uint64(b[32:]), le.Uint32(b[40:])}, sig: le.Uint32(b[44:]), body: le.Uint64(b[48:]), size: int64(le.Uint64(b[56:])),
	}
	if h.kind == 0 || h.kind >= kindEnd || h.length > payloadMax || h.size < 0 {
		return header{}, errBroken
	}
	return h, nil
}

// checked returns the payload of the record that b begins with, if it is the one that was written.
func (h *header) checked(b []byte) ([]byte, error) {
	if len(b) < headerBytes+int(h.length) {
		return nil, errTorn
	}
	p := b[headerBytes : headerBytes+int(h.length)]
	if checksum(p) != h.sum {
		return nil, errBroken
	}
	return p, nil
}

// bytes returns the header of a segment.
func (f *fileHeader) bytes() []byte {
	b := make([]byte, fileBytes)
	le := binary.LittleEndian
	copy(b, fileMagic)
	le.PutUint32(b[8:], version)
	le.PutUint64(b[16:], f.segment)
	le.PutUint64(b[24:], f.before)
	le.PutUint64(b[32:], f.seq)
	le.PutUint32(b[12:], fileSum(b))
	return b
}

func fileSum(b []byte) uint32 {
	return crc32.Update(checksum(b[:12]), table, b[16:fileBytes])
}

// parseFileHeader reads the header of a segment; an error: it is another version's, or broken.
func parseFileHeader(b []byte) (fileHeader, error) {
	le := binary.LittleEndian
	if len(b) < fileBytes || string(b[:8]) != fileMagic || le.Uint32(b[8:]) != version || le.Uint32(b[12:]) != fileSum(b) {
		return fileHeader{}, errBroken
	}
	return fileHeader{segment: le.Uint64(b[16:]), before: le.Uint64(b[24:]), seq: le.Uint64(b[32:])}, nil
}
