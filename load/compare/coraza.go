package main

import (
	"net/http"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental"
	corazahttp "github.com/corazawaf/coraza/v3/http"
	"github.com/corazawaf/coraza/v3/types"
)

// corazaEngine is Coraza in this process.
type corazaEngine struct {
	waf   coraza.WAF
	extra int // what it counts and is no rule of the rule set
}

// newCoraza loads the files; logged is told the id of every rule that writes a log line, nil: nobody is.
func newCoraza(files ruleFiles, logged func(id int)) (*corazaEngine, error) {
	config := coraza.NewWAFConfig().WithDirectivesFromFile(files.conf)
	if logged != nil {
		config = config.WithErrorCallback(func(m types.MatchedRule) { logged(m.Rule().ID()) })
	}
	waf, err := coraza.NewWAF(config)
	return &corazaEngine{waf, files.setup + files.markers}, err
}

// Rules is how many rules of the rule set it has loaded. Coraza counts a marker as one.
func (c *corazaEngine) Rules() int { return c.waf.(experimental.WAFWithRules).RulesCount() - c.extra }

// wrap puts Coraza's own middleware before a handler.
func (c *corazaEngine) wrap(next http.Handler) http.Handler {
	return corazahttp.WrapHandler(c.waf, next)
}

// Judge does what Coraza's own middleware does for one request and its answer.
func (c *corazaEngine) Judge(r *request) (status int, err error) {
	tx := c.waf.NewTransaction()
	defer func() {
		tx.ProcessLogging()
		if e := tx.Close(); err == nil {
			err = e
		}
	}()
	tx.ProcessConnection("192.0.2.1", 40000, "", 0)
	tx.ProcessURI(r.target, r.method, "HTTP/1.1")
	for _, f := range r.fields {
		tx.AddRequestHeader(f.name, f.value)
		if f.name == "Host" {
			tx.SetServerName(f.value)
		}
	}
	it := tx.ProcessRequestHeaders()
	if it == nil && len(r.body) > 0 {
		it, _, err = tx.WriteRequestBody(r.body)
	}
	if it == nil && err == nil {
		it, err = tx.ProcessRequestBody()
	}
	if it == nil && err == nil {
		tx.AddResponseHeader("Content-Type", "text/plain")
		it = tx.ProcessResponseHeaders(200, "HTTP/1.1")
	}
	if it != nil {
		status = it.Status
	}
	return status, err
}
