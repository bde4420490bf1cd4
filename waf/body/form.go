package body

// AppendQuery appends the pairs of a query, or of a form (application/x-www-form-urlencoded), in their order: separated by &
// only, + is a space, percent-escapes are decoded, and what is no escape stays as it is. A piece without = is a name with an
// empty value; an empty piece is nothing. It fails with an *Error beyond Limits.Pairs and NameBytes; dst then has the pairs before.
func AppendQuery(dst []Pair, query []byte, l Limits, mem *Memory) ([]Pair, error) {
	panic("BUG: not written")
}

// AppendCookies appends the pairs of one Cookie field: pieces between semicolons, cut at their first =, without control
// characters and spaces around names and values. A piece without = is a name. Nothing is decoded, so all are views into the field.
// It fails with an *Error beyond Limits.Pairs and NameBytes; dst then has the pairs before.
func AppendCookies(dst []Pair, field []byte, l Limits) ([]Pair, error) {
	panic("BUG: not written")
}
