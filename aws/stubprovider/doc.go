// Package stubprovider is a provider of Terraform that has the schema of the AWS provider and no AWS: real terraform, or tofu, can take
// what aws/terraform writes through init, validate, plan, apply and a second plan without a network.
//
// It owns the protocol and what stands for AWS: identifiers that are made up, values that are known after apply only. Validation is
// what the provider's own would be and more: the properties are read back to the model, and AWS's schema and the linter judge them.
//
// It is a module of its own because of what the protocol brings with it. It says nothing about what AWS does: a plan that it accepts
// may still be refused by the provider itself, whose source is not to be had here.
package stubprovider
