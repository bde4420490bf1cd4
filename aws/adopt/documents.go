package adopt

// documents are what all resources say, one file for each distribution and one for the account.
func (f *found) documents() []Document { return nil }
