package adopt

// The limits of the input. What is beyond them is not read, and an error names the limit.
const (
	// FileBytesMax is the size of a file, in bytes: a state of 500 distributions has about 4 MB. Templates have a limit of their own.
	FileBytesMax = 64 << 20
	// filesMax is how many files are read: 500 distributions with what belongs to each come to less.
	filesMax = 10_000
	// leavesMax is how many attributes all files together may have; each becomes a row of the ledger.
	leavesMax = 2_000_000
	// valueMax is how many characters of a value a row shows.
	valueMax = 60
)
