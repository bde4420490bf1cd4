package body

// Limits bounds what one body may hold. Beyond a limit it is refused with an Error that names the field. The zero value
// admits nothing; start from DefaultLimits.
type Limits struct {
	// Pairs is how many named values a body, a query or a Cookie field may give, sizes of arrays and attributes of
	// XML included. A multipart body has Parts instead.
	Pairs int
	// NameBytes is the length of one name, a path of JSON included.
	NameBytes int
	// NamesBytes is what all paths of a JSON body may take together: a deep document repeats its path for each leaf.
	NamesBytes int
	// Depth is how many arrays and objects, or elements, may stand inside of each other.
	Depth int
	// Parts is how many parts a multipart body may have.
	Parts int
	// PartHeaderBytes is the size of the header of one part, the empty line included.
	PartHeaderBytes int
	// PartHeaders is how many lines the header of one part may have.
	PartHeaders int
	// Attributes is how many attributes one element of XML may have.
	Attributes int
	// DecodedBytes is the size of a body after its Content-Encoding was taken off.
	DecodedBytes int
	// DecodedRatio is how many times its coded size a body may grow to, above the first 16 KB.
	DecodedRatio int
}

// DefaultLimits are what browsers and APIs stay below by far: the rules' own tests, big forms and batches of a thousand
// records included.
func DefaultLimits() Limits {
	return Limits{
		Pairs:           10_000,    // a body of 128 KB with a value every 13 bytes; each value costs the rules about a microsecond
		NameBytes:       1 << 10,   // the paths of real documents are below 200 bytes
		NamesBytes:      1 << 20,   // eight times a body of 128 KB; real documents need about as much as their size
		Depth:           64,        // what most services' parsers stop at (.NET 64, serde 128); real documents end at 20
		Parts:           512,       // a form with hundreds of fields
		PartHeaderBytes: 4 << 10,   // a file name of 255 characters, percent-encoded thrice, and room
		PartHeaders:     8,         // browsers send two
		Attributes:      64,        // they are compared with each other; SVG and SAML have up to 20
		DecodedBytes:    128 << 10, // what a body may have without a coding, by default
		DecodedRatio:    100,       // JSON and HTML give 5 to 20, monotonous data 50; a bomb has 1,000
	}
}

const (
	// ratioFloorBytes is the decoded size in bytes below which the ratio does not count: a small body of zeros is no harm.
	ratioFloorBytes = 16 << 10
	// zstdWindowBytes is the largest window of a zstd frame (RFC 9659 section 3). Beyond it: refused.
	zstdWindowBytes = 8 << 20
	// boundaryBytesMax is the longest boundary (RFC 2046 section 5.1.1). Beyond it: refused.
	boundaryBytesMax = 70
	// parametersMax is how many parameters a Content-Type or Content-Disposition may have; three are in use. Beyond it: refused.
	parametersMax = 8
	// mediaTypeBytesMax is the longest Content-Type; registered ones with their parameters end at 150. Beyond it: refused.
	mediaTypeBytesMax = 1 << 10
	// declarationBytesMax is the longest XML declaration; the usual ones have 40 to 60 bytes. Beyond it: refused.
	declarationBytesMax = 256
	// idleReadsMax is how many times a decoder may give nothing before it counts as stuck.
	idleReadsMax = 100
	// referenceBytesMax is the longest character or entity reference in XML, between & and ;. Beyond it: refused.
	referenceBytesMax = 12
)

// Sizes of what is kept for the next request.
const (
	// firstChunkBytes is the first piece of a Memory: enough for the names of a small body.
	firstChunkBytes = 4 << 10
	// keptBytes is the most memory in bytes that a Memory keeps when it is reset. A larger one is left to the collector.
	keptBytes = 256 << 10
	// keptPairs is the longest list of a Parsed that is kept when it is reset.
	keptPairs = 4 << 10
)
