package main

import "errors"

// errNotBuilt says that Skerry's engine is not part of this program yet.
var errNotBuilt = errors.New("not built: load/compare does not use the firewall's engine yet")

// newSkerry makes Skerry's engine with a policy; logged is told the id of every rule that writes a log line, nil: nobody is.
func newSkerry(ruleFiles, policy, func(id int)) (engine, error) { return nil, errNotBuilt }
