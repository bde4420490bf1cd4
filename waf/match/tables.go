package match

// Tables bounds the memory that the tables of many patterns take together.
type Tables struct{ max int64 }

// NewTables allows tables of the given size in bytes; 0: TablesBytesMax.
func NewTables(bytesMax int64) *Tables {
	if bytesMax <= 0 {
		bytesMax = TablesBytesMax
	}
	return &Tables{max: bytesMax}
}

// Bytes is what the tables take now.
func (t *Tables) Bytes() int64 { return 0 }
