package terraform

// Limits of what is read; beyond them Read returns an error.
const (
	readBytesMax = 64 << 20 // of a file; 500 distributions need about 6 MB
	nestingMax   = 3        // statements of a firewall below a rule's own one that the provider's blocks have; beyond it, rule_json
	nameMax      = 120      // letters of a name, beyond which it is cut and gets a digest
)
