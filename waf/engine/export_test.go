package engine

// Verdict is what holds for the request now.
func (t *Transaction) Verdict() Verdict { return t.verdict }
