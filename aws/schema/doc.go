// Package schema is what AWS publishes about its resources, with the readers of it: the CloudFormation schema of the types that the
// compiler emits or the linter knows, quotas, managed rule groups, the Terraform provider's schema.
//
// It owns the embedded data, the tree that templates are held against (Node), and Check, which says whether properties fit the
// schema. A value that is known only once resources exist fits everything.
//
// It refuses to know what properties mean together: that is lint's work.
package schema
