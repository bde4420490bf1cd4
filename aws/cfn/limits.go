package cfn

// The limits of templates. AWS takes one MB at most, so that nothing that could be deployed is refused here.
const (
	// templateBytesMax is the size of a template that is read, in bytes.
	templateBytesMax = 4 << 20
	// nodesMax is how many values a template may have.
	nodesMax = 1_000_000
	// depthMax is how deep objects and lists may nest: statements of a firewall that hold statements come to half of it.
	depthMax = 64
	// keysMax is how many names one object of a YAML template may have; the parser compares each with all before it.
	keysMax = 2000
	// emptyLinesMax is how many empty lines may follow each other in YAML: in text, the parser looks at all of them for each.
	emptyLinesMax = 500
	// computedBytesMax is how much text the functions of one template may make, in bytes; beyond it they are unknown. A function can
	// repeat what another one made, so that few lines could fill the memory.
	computedBytesMax = 4 << 20
	// stepsMax is how many values functions of one template may look at; beyond it they are unknown.
	stepsMax = 2_000_000
	// StackBytesMax is how large a template may be that CloudFormation takes, in bytes.
	StackBytesMax = 1_000_000
	// StackResourcesMax is how many resources a stack may have.
	StackResourcesMax = 500
)
