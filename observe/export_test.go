package observe

// PartialSuccess is for the fuzz target: through a receiver it would take a connection an answer.
var PartialSuccess = partialSuccess
