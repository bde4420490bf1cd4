// Package adopt reads distributions and web ACLs that are there already and writes the documents that say the same.
//
// It owns the forms in which they come (answers of AWS's API, a state of Terraform, templates of CloudFormation), the way back
// from what AWS has to a spec, and the ledger: a row for every attribute of the input, exact, approximated or refused.
//
// It promises that nothing is dropped: every leaf of the input stands in the ledger once, what nobody has understood as refused.
package adopt
