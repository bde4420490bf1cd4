package main_test

// row says which folders of the module a folder may import, and which more in its tests.
type row struct {
	may   []string // besides everyone
	tests []string // in _test.go files, besides may, testEveryone and the folder itself
	none  bool     // not even everyone
}

// everyone may import these.
var everyone = []string{"fault", "meter"}

// testEveryone is what any test may import: fixtures, and the protocol to talk to an edge with.
var testEveryone = []string{"exchange", "exchange/exchangetest", "wire/wiretest", "wire", "wire/h1", "store/storetest", "load/rival", "load/origin", "cache/cachetest"}

// stages are the folders that plan puts in order.
var stages = []string{
	"route", "rewrite", "access", "waf", "bot", "limit", "cache", "compress", "static", "mirror", "function", "upstream",
}

// rows is the design: ground below traffic, traffic below control, hands on top. A stage never imports a stage.
var rows = map[string]row{
	// ground
	"fault":    {none: true},
	"meter":    {none: true},
	"spec":     {},
	"exchange": {},
	// what tests of stages share
	"exchange/exchangetest": {may: []string{"exchange"}},
	"exchange/namesgen":     {none: true},
	"represent":             {may: []string{"exchange"}}, // what a stored or static representation answers to conditions and ranges
	"memory":                {},
	"cert":                  {may: []string{"spec"}},
	"cert/pebble":           {tests: []string{"cert", "cli", "edge", "plan", "spec"}}, // a module of its own; cli: processes that replace each other
	"observe":               {may: []string{"exchange"}},
	"handover":              {none: true}, // sockets and the data directory, from one process to the next
	"systemd":               {none: true},
	// traffic
	"wire":             {may: []string{"exchange"}},
	"wire/transport":   {},
	"wire/proxyheader": {}, // what a balancer says of a connection; listen reads it, upstream/peer writes it
	"wire/h1":          {may: []string{"exchange", "wire", "wire/transport"}},
	"wire/h2":          {may: []string{"exchange", "wire", "wire/transport"}},
	"wire/h3":          {may: []string{"exchange", "wire", "wire/transport"}},
	"wire/wiretest":    {may: []string{"exchange", "wire/transport"}},
	"wire/interop":     {tests: []string{"cli", "edge", "plan", "spec"}}, // a module of its own; cli: processes that replace each other
	"listen":           {may: []string{"spec", "exchange", "cert", "wire/*"}, tests: []string{"handover"}},
	"route":            {may: []string{"spec", "exchange"}},
	"rewrite":          {may: []string{"spec", "exchange"}},
	"access":           {may: []string{"spec", "exchange"}},
	"waf":              {may: []string{"spec", "exchange", "waf/*"}},
	// the firewall's engine, which knows neither spec nor exchange, from its parts up
	"waf/match":     {},
	"waf/injection": {may: []string{"waf/match"}},
	"waf/body":      {},
	"waf/transform": {may: []string{"waf/match"}},
	"waf/seclang":   {may: []string{"waf/match", "waf/transform"}},
	"waf/crs":       {may: []string{"waf/seclang"}},
	"waf/engine":    {may: []string{"waf/match", "waf/injection", "waf/body", "waf/transform", "waf/seclang"}, tests: []string{"waf/crs", "waf/waftest"}},
	"waf/wafhttp":   {may: []string{"waf/engine", "waf/body", "waf/crs", "waf/seclang"}, tests: []string{"waf/waftest"}},
	"waf/ftw":       {tests: []string{"waf/waftest"}}, // a module of its own
	"waf/waftest":   {may: []string{"waf/crs", "waf/seclang", "waf/engine", "waf/body"}},
	"bot":           {may: []string{"spec", "exchange"}},
	"limit":         {may: []string{"spec", "exchange"}},
	"cache":         {may: []string{"spec", "exchange", "represent", "cache/*"}},
	// what the cache decides and keeps with, from its parts up
	"cache/freshness": {may: []string{"exchange"}},
	"cache/storage":   {may: []string{"exchange", "cache/freshness"}},
	"cache/disk":      {may: []string{"exchange", "cache/freshness", "cache/storage"}},
	"cache/cachetest": {may: []string{"load/rival"}}, // what RFC 9111 and its neighbours ask for, to be run against a whole edge
	"compress":        {may: []string{"spec", "exchange"}},
	"static":          {may: []string{"spec", "exchange", "represent"}},
	"mirror":          {may: []string{"spec", "exchange"}},
	"function":        {may: []string{"spec", "exchange"}},
	"upstream":        {may: []string{"spec", "exchange", "cert", "wire", "wire/*", "upstream/*"}},
	// what upstream decides with, none of which knows the others
	"upstream/balance":   {may: []string{"spec", "exchange"}},
	"upstream/admission": {may: []string{"spec", "exchange"}},
	"upstream/resolve":   {may: []string{"spec"}},
	"upstream/peer":      {may: []string{"spec", "exchange", "wire", "wire/*"}},
	"plan":               {may: append([]string{"spec", "exchange", "cert"}, stages...)},
	"edge":               {may: []string{"plan", "spec", "cert", "listen", "wire/*", "exchange", "observe", "memory"}},
	"agent":              {may: []string{"spec"}},
	"admin":              {may: []string{"observe", "plan"}, tests: []string{"spec"}},
	// control: from traffic only plan, exchange and wire
	"store":           {may: []string{"spec"}},
	"store/storetest": {may: []string{"spec", "store"}},
	"task":            {may: []string{"store"}},
	"fleet":           {may: []string{"spec", "store"}},
	"slo":             {may: []string{"spec", "observe", "task", "store"}},
	"rollout":         {may: []string{"spec", "store", "task", "fleet", "slo", "plan"}},
	"inventory":       {may: []string{"spec", "store"}},
	"target":          {may: []string{"spec", "store"}},
	"load":            {may: []string{"exchange", "wire/*"}},
	"load/rival":      {none: true},
	"load/compare":    {may: []string{"load/rival", "waf/engine", "waf/body", "waf/crs"}},
	"load/origin":     {may: []string{"load/rival"}},
	"load/outage":     {may: []string{"load/rival", "load/origin", "cache/cachetest"}},
	"drill":           {may: []string{"exchange", "wire/*", "slo", "fleet", "inventory", "task"}},
	"migrate":         {may: []string{"spec", "store", "rollout", "inventory", "task"}},
	"kube":            {may: []string{"spec"}},
	// the compiler for CloudFront and AWS WAF, from its parts up; none of them knows the edge
	"aws/finding":      {may: []string{"spec"}},
	"aws/model":        {may: []string{"spec"}},
	"aws/modelgen":     {none: true},
	"aws/schema":       {may: []string{"spec", "aws/finding"}},
	"aws/compile":      {may: []string{"spec", "aws/finding", "aws/model", "aws/schema"}, tests: []string{"aws/cfn", "aws/lint", "route", "rewrite"}}, // what functions do is compared with what the edge does
	"aws/cfn":          {may: []string{"spec", "aws/finding", "aws/model", "aws/schema"}, tests: []string{"aws/compile"}},
	"aws/lint":         {may: []string{"spec", "aws/finding", "aws/model", "aws/schema", "aws/cfn"}, tests: []string{"aws/compile"}},
	"aws/terraform":    {may: []string{"spec", "aws/finding", "aws/model", "aws/schema"}, tests: []string{"aws/compile", "aws/cfn"}},
	"aws/stubprovider": {may: []string{"spec", "aws", "aws/*"}}, // a module of its own
	"aws/adopt":        {may: []string{"spec", "aws/finding", "aws/model", "aws/schema", "aws/cfn", "aws/terraform"}, tests: []string{"aws/compile"}},
	"aws":              {may: []string{"spec", "aws/*"}},
	"aws/cdk":          {none: true, tests: []string{"aws", "spec"}},
	"aws/wasm":         {may: []string{"spec", "aws", "aws/finding"}},
	"aws/cfsim":        {may: []string{"spec", "aws/*"}},
	"control": {may: []string{"store", "task", "fleet", "slo", "rollout", "inventory", "target", "drill", "migrate", "kube",
		"spec", "plan", "aws", "observe"}},
	// hands
	"client":        {may: []string{"spec"}},
	"console":       {may: []string{"client", "spec"}},
	"mcp":           {may: []string{"client", "spec"}},
	"skill":         {may: []string{"client", "spec"}},
	"cli":           {may: []string{"*"}},
	".":             {may: []string{"cli"}},
	"scripts/tally": {none: true},
}

// dependency is a module that is not the standard library.
type dependency struct {
	module  string
	folders []string
	tests   bool // any test, and the fixtures of tests, may use it
	why     string
}

// thirdParty is every dependency there is; a new one is a decision for ARCHITECTURE.md.
var thirdParty = []dependency{
	{"github.com/goccy/go-yaml", []string{"spec", "aws/cfn", "aws/schema"}, true, "YAML with positions"},
	{"github.com/spf13/cobra", []string{"cli"}, false, "subcommands, completion, manual pages"},
	{"github.com/spf13/pflag", []string{"cli"}, false, "the flags of cobra"},
	{"github.com/prometheus", []string{"admin"}, false, "the text format at scrape time; counting is meter's"},
	{"github.com/andybalholm/brotli", []string{"compress", "waf/body"}, true, "br"},
	{"github.com/klauspost/compress", []string{"compress", "waf/body"}, true, "gzip and zstd, twice as fast as the standard library"},
	{"github.com/gaissmai/bart", []string{"rewrite", "listen", "limit"}, false, "sets of prefixes"},
	{"github.com/caddyserver/certmagic", []string{"cert"}, true, "the storage with locks that ACME's processes share, and DNS-01 by libdns's providers"},
	{"github.com/mholt/acmez/v3", []string{"cert"}, false, "the protocol of ACME, and its renewal information"},
	{"github.com/miekg/dns", []string{"cert"}, true, "dynamic updates of zones, signed; in tests a DNS server. certmagic brings it"},
	{"github.com/libdns", []string{"cert"}, true, "providers of zones for DNS-01"},
	{"go.uber.org/zap", []string{"cert"}, false, "to silence certmagic"},
	{"github.com/letsencrypt", nil, true, "a real ACME server, and a DNS server for its checks"},
	{"golang.org/x/net", []string{"wire/h2", "upstream/resolve"}, true, "the decoder of HPACK; the wire format of DNS; in tests a second HTTP/2"},
	{"go.opentelemetry.io/proto/otlp", []string{"observe"}, false, "the messages of OTLP"},
	{"google.golang.org/protobuf", []string{"observe"}, false, "their encoding"},
	{"github.com/corazawaf/libinjection-go", []string{"waf/engine"}, true, "what SQL injection and XSS look like, to the reference engine"},
	{"github.com/corazawaf/coraza-coreruleset", []string{"waf/crs", "load/compare"}, true, "the OWASP Core Rule Set and its tests; the rules of rivals"},
	{"github.com/corazawaf/coraza/v3", []string{"load/compare"}, true, "the firewall's oracle and its rival"},
	{"github.com/pires/go-proxyproto", nil, true, "a second implementation of the PROXY protocol"},
	{"github.com/coreruleset/go-ftw/v2", nil, true, "the Core Rule Set's test runner"},
	{"github.com/rs/zerolog", nil, true, "to silence go-ftw"},
	{"github.com/summerwind/h2spec", nil, true, "every way to break HTTP/2, and what must come of it"},
	{"google.golang.org/grpc", nil, true, "clients and servers of gRPC, and their tests of interoperability"},
	{"github.com/hashicorp/terraform-plugin-go", []string{"aws/stubprovider"}, true, "the protocol of a provider, to let the real terraform judge what is written for it"},
	{"github.com/chromedp", nil, true, "a real browser"},
	{"github.com/rogpeppe/go-internal", nil, true, "scripts of the whole binary"},
	{"golang.org/x/tools/txtar", nil, true, "golden files"},
	{"github.com/google/go-cmp", nil, true, "differences a person can read"},
	{"go.uber.org/goleak", nil, true, "leaked goroutines in TestMain"},
	{"pgregory.net/rapid", nil, true, "properties with shrinking"},
	{"github.com/coder/websocket", nil, true, "a real client for tunnels"},
	{"github.com/santhosh-tekuri/jsonschema", nil, true, "the published schema against a second implementation"},
}

// packageBan keeps a package of the standard library to some folders; tests may use all.
type packageBan struct {
	path     string
	folders  []string
	commands bool // developer tools (package main) may
	fixtures bool // packages for tests only may
	instead  string
}

var standard = []packageBan{
	{"net/http", []string{
		"admin", "control", "client", "console", "mcp", "cert", "access", "waf/wafhttp", "wire/h3", "observe", "load/compare", "load/origin", "load/outage",
	}, false, true, "traffic is exchange and wire/h1; net/http is for the admin and control APIs and as the oracle of tests"},
	{"testing", nil, false, true, "return an error; the test decides what it means"},
	{"log", nil, true, false, "traffic counts (meter) and adds events (meter.Events); a command returns its error; a server's ErrorLog comes from log/slog"},
	{"flag", nil, true, false, "flags are cli's (cobra); pass the value"},
	{"io/ioutil", nil, false, false, "io and os"},
	{"container/list", nil, false, false, "a slice, or links inside the element"},
	{"unsafe", []string{"wire/transport", "systemd"}, false, false, "plain Go; views are slices"},
	{"plugin", nil, false, false, "one binary: a stage is a folder"},
}

// ban is a call with a better replacement; tests may make it.
type ban struct {
	name     string // import path and name, or a builtin
	folders  []string
	commands bool // developer tools (package main) may
	instead  string
}

var calls = []ban{
	{"time.Sleep", []string{"load", "load/rival"}, true, "a timer beside a done channel in one select, so that Close need not wait"},
	{"time.Tick", nil, false, "time.NewTicker, and Stop it"},
	{"fmt.Print", nil, true, "write to the io.Writer you were given (cli: the command's output)"},
	{"fmt.Printf", nil, true, "write to the io.Writer you were given (cli: the command's output)"},
	{"fmt.Println", nil, true, "write to the io.Writer you were given (cli: the command's output)"},
	{"print", nil, false, "write to the io.Writer you were given"},
	{"println", nil, false, "write to the io.Writer you were given"},
	{"os.Exit", []string{".", "cli"}, true, "return an error; only the command ends the process"},
	{"os.Getenv", []string{"cli", "spec"}, true, "flags are cli's, secrets by reference are spec's: pass the value"},
	{"context.WithValue", []string{"admin", "control", "client", "console", "mcp"}, false, "a typed field of exchange.Facts with one writer"},
	{"net/http.Get", nil, false, "an http.Client with a Timeout"},
	{"net/http.Post", nil, false, "an http.Client with a Timeout"},
	{"net/http.DefaultClient", nil, false, "an http.Client with a Timeout"},
	{"net/http.ListenAndServe", nil, false, "an http.Server with ReadHeaderTimeout"},
	{"net/http.DefaultServeMux", nil, false, "http.NewServeMux: the default one is everybody's"},
	{"reflect.DeepEqual", nil, false, "a comparison that names the fields"},
	{"math/rand.Int", nil, false, "math/rand/v2"},
	{"math/rand.Intn", nil, false, "math/rand/v2"},
	{"math/rand.New", nil, false, "math/rand/v2"},
}
