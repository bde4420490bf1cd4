// Package model is what a deployment on AWS consists of: typed resources of CloudFront, AWS WAF and what they need beside them,
// references between them, and the place of the spec that each part comes from.
//
// It owns the types and nothing else: package compile makes them of a spec, the packages cfn and terraform write them down and
// read them back. The structs of resources are generated from the schema that AWS publishes for CloudFormation and have its
// names; every property of them that is text, a number or yes and no is a Value, because each may be a reference instead.
//
//go:generate go run ../modelgen
package model
