package body

// Pair is a named value. Both are views into the input or into the Memory given to the parser: valid as long as both are.
type Pair struct{ Name, Value []byte }

// File is a part of a multipart body with a file name. All are views.
type File struct {
	Field   []byte // the form's name for it
	Name    []byte // as the client gave it, never empty
	Content []byte
}

// Parsed is what rules see of a body. It is reused from request to request; the zero value is ready.
type Parsed struct {
	// Args are the values of the body, in its order: ARGS_POST. JSON gives the path of each scalar, "json.items.0.id", and
	// behind the elements of each array that is not empty its size, "json.items". NDJSON is read as an array of its lines.
	// null is the empty value; true, false and numbers are as written.
	Args []Pair
	// XML are the texts, as pairs named "/*", and the attributes' values, "//@*", in the order of the document. Text is
	// one value from tag to tag, comments left out and CDATA included, without white space around it; if it is only
	// white space, it is left out.
	XML []Pair
	// Files are the parts of a multipart body that name a file; their contents are nowhere else. Names of files are FILES
	// and, under the field's name, MULTIPART_FILENAME; fields are FILES_NAMES.
	Files []File
	// PartNames are the names of all parts, as name and value: MULTIPART_NAME.
	PartNames []Pair
	// PartHeaders are the header lines of all parts, "Content-Type: text/plain", under the part's name: MULTIPART_PART_HEADERS.
	PartHeaders []Pair
	// CombinedSize is the size of the contents of all parts in bytes, fields included: FILES_COMBINED_SIZE.
	CombinedSize int

	// StrictError is set if a multipart body was refused: MULTIPART_STRICT_ERROR.
	StrictError bool
	// UnmatchedBoundary is set if the boundary stands where it does not delimit: MULTIPART_UNMATCHED_BOUNDARY.
	UnmatchedBoundary bool
	// BoundaryQuoted is set if the boundary was given in quotes: MULTIPART_BOUNDARY_QUOTED.
	BoundaryQuoted bool
	// InvalidEscapes is how many percent signs of a form do not begin an escape; they are kept as they are.
	InvalidEscapes int

	path  []byte  // of the JSON value at hand
	stack []frame // open arrays and objects of JSON
	open  []view  // names of open elements of XML
	seen  []view  // names of attributes, parameters or header lines, to find duplicates
}

// view is a piece of the input.
type view []byte

// Reset forgets everything and keeps memory for the next request, within bounds.
func (p *Parsed) Reset() {
	*p = Parsed{
		Args: emptied(p.Args), XML: emptied(p.XML), Files: emptied(p.Files),
		PartNames: emptied(p.PartNames), PartHeaders: emptied(p.PartHeaders),
		path: p.path[:0], stack: emptied(p.stack), open: emptied(p.open), seen: emptied(p.seen),
	}
}

// emptied keeps a list's memory, but nothing of what it pointed to, and no memory of a very long one.
func emptied[T any](list []T) []T {
	if cap(list) > keptPairs {
		return nil
	}
	clear(list)
	return list[:0]
}

// Parse takes a body apart as its media says, into a p that is new or Reset. None and Opaque bodies give nothing, and so do
// empty ones. It fails with an *Error if the body is not of that format, has two readings, or goes beyond a limit. What was
// read until then stays in p, for the rules to see what was tried and for the log, and is never a reason to let the body pass.
// The values are views into data and mem.
func (p *Parsed) Parse(m Media, data []byte, l Limits, mem *Memory) error {
	if len(data) == 0 {
		return nil // there is nothing to hide in it, and clients name a type for bodies that they do not send
	}
	var err *Error
	switch m.Kind {
	case Form:
		err = p.form(m, data, l, mem)
	case Multipart:
		if err = p.multipart(m, data, l, mem); err != nil {
			p.StrictError = true
		}
	case JSON:
		err = p.json(m, data, l, mem)
	case NDJSON:
		err = p.lines(m, data, l, mem)
	case XML:
		err = p.xml(m, data, l, mem)
	}
	if err != nil {
		return err
	}
	return nil
}
