// Package terraform writes a deployment as Terraform's main.tf.json and reads such a file back.
//
// It owns the mapping between the names and shapes of CloudFormation, which the model has, and those of Terraform's AWS provider (tables
// in table_*.go, one row for each property that is not plainly the same in snake case), and what Terraform needs beside it: validation of
// certificates, values of secrets. Every name that it writes is held against the provider's schema.
//
// It promises that nothing is dropped: what Terraform has no place for is a finding, and Read(Emit(d)) is Normal(d), resource by
// resource. A file that Read does not understand whole is an error. Stacks are no matter of Terraform, which orders by references: they
// stand in comments, for Read.
package terraform
