package spec

// FieldPaths are the fields that portability.yaml must cover.
func FieldPaths() []string { return described().rows }
