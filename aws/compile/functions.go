package compile

import (
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsFunctions = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-functions.html"

// functionsRules are about functions as a whole.
var functionsRules = struct{ size finding.Rule }{
	size: finding.Rule{
		ID: "function-size", Severity: finding.Error, Source: docsFunctions,
		Meaning: "The code of a CloudFront Function may have 10 KB.",
		Remedy:  "shorten bodies of answers, have routes with the same effect share a prefix, or split the entrypoint",
		Witness: "the function cannot be deployed",
	},
}

// function is what a CloudFront Function does in a behaviour.
type function struct {
	code     string
	resource *model.Resource
}

// writtenCode is code that was written before: most behaviours of an entrypoint have the same policy, and many the same function.
type writtenCode struct {
	policies  map[spec.Policy]policyText // compared by their pointers, which routes that say nothing of their own share
	functions map[string]*model.Resource // by event and code
}

// functions writes the code of every behaviour. Behaviours with the same code, of whatever entrypoint, have the same function.
func (b *builder) functions(s *site) {
	store := b.movedStore(s)
	for _, v := range s.behaviors {
		v.viewer = b.function(s, v, b.requestCode(s, v, v), "viewer-request", store)
		if c := b.answerFunction(s, v); c != nil {
			v.answer = b.function(s, v, c, "viewer-response", nil)
		}
	}
}

// function makes a function and associates it with a behaviour.
func (b *builder) function(s *site, v *behavior, c *coder, event string, store *model.Resource) *function {
	code := c.code()
	if most := b.granted("functionBytes"); len(code) > most {
		b.find(&functionsRules.size, s, v.at, "spec.routes", "the function for %s of %s has %d bytes, the limit is %d; the most is taken by: %s", event, v.name(), len(code), most, c.worst())
	}
	props := &model.Function{
		AutoPublish: model.Bool(true), FunctionCode: model.Text(code),
		FunctionConfig: &model.FunctionConfig{Runtime: model.Text("cloudfront-js-2.0"), Comment: model.Text(functionComment[event])},
	}
	stored := store != nil && c.awaits
	if stored {
		props.FunctionConfig.KeyValueStoreAssociations = []*model.FunctionKeyValueStoreAssociation{{KeyValueStoreARN: model.Ref{Resource: store, Attr: "Arn"}}}
	}
	r := b.written.functions[event+code]
	if r == nil || stored {
		r = b.share("Function", v.at, props, func(name string) { props.Name = model.Text(name) })
	} else {
		b.again(r, v.at)
	}
	if b.written.functions == nil {
		b.written.functions = map[string]*model.Resource{}
	}
	if !stored {
		b.written.functions[event+code] = r
	}
	v.props.FunctionAssociations = append(v.props.FunctionAssociations, &model.DistributionFunctionAssociation{
		EventType: model.Text(event), FunctionARN: model.Ref{Resource: r, Attr: "FunctionARN"},
	})
	return &function{code, r}
}

var functionComment = map[string]string{
	"viewer-request":  "chooses the route of a request and answers what needs no service",
	"viewer-response": "edits what a response headers policy cannot",
}
