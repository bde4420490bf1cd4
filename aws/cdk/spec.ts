// Code generated from the JSON Schema of the spec by `go test ./aws/cdk -update`. DO NOT EDIT.

/** What the compiler for CloudFront and AWS WAF has to know of an account. One document at most; the edge itself makes no use of it. */
export interface AWS {
  /** The number of the account, 12 digits in quotes: not known, if left out. */
  readonly account?: string;
  /** Ids of differences that are accepted for every Entrypoint, as `skerry aws lint` prints them. */
  readonly allow?: readonly string[];
  /** What weighted services become: function (any weights), or continuousDeployment (a staging distribution with 15 % at most, and no HTTP/3). Default: "function". */
  readonly canary?: "function" | "continuousDeployment";
  /** Certificates that are there already; for other hosts new ones are asked for. */
  readonly certificates?: readonly AWSCertificate[];
  /** What has a price at AWS WAF, and no field in waf. */
  readonly firewall?: AWSFirewall;
  /** Whether distributions speak HTTP/3 too. Default: "on". */
  readonly http3?: "on" | "off" | true | false;
  /** Whether distributions have IPv6 addresses too. Default: "on". */
  readonly ipv6?: "on" | "off" | true | false;
  /** Where logs go: nowhere, if left out. */
  readonly logs?: AWSLogs;
  /** How hosts are spread over distributions: auto (what fits the quotas), dedicated (one for each Entrypoint), tenants of a multi-tenant one, or shared. Default: "auto". */
  readonly packing?: "auto" | "dedicated" | "tenants" | "shared";
  /** From where CloudFront answers: all, 200 or 100, the cheapest regions alone. Default: "all". */
  readonly priceClass?: "all" | "200" | 200 | "100" | 100;
  /** Quotas that the account has been granted, by their names: cachePolicies: 50. What is left out is as AWS gives it to everybody. */
  readonly quotas?: Readonly<Record<string, number>>;
  /** Hosted zones of Route 53: the domain and the id of each. Hosts below them get records, and new certificates are proven there. */
  readonly zones?: Readonly<Record<string, string>>;
}

/** A certificate and its key, for the hosts that the certificate itself names. */
export interface Certificate {
  /** The chain (PEM), leaf first: file:NAME below --secrets, or env:SKERRY_SECRET_NAME. */
  readonly certificate: string;
  /** Whether clients that name no host get it; one certificate at most can be. Default: "off". */
  readonly default?: "on" | "off" | true | false;
  /** The private key (PEM), by reference as well. */
  readonly key: string;
}

/** A named set of public hosts with its routes and its policy. */
export interface Entrypoint {
  /** The largest request body, in bytes, KB, MB or GB, larger ones get 413; of gRPC calls over HTTP/2, which may send messages all day, the largest message; off: no limit. */
  readonly bodyMax?: "off" | false | string | number;
  /** What is stored of answers: private, standard, off, or more of it; merged field by field, the nearest to the route wins. */
  readonly cache?: "private" | "standard" | "off" | false | Cache;
  /** The one of the hosts that requests to the others are redirected to: none, if left out. */
  readonly canonicalHost?: string;
  /** Whether the edge compresses answers. */
  readonly compress?: "off" | false | "on" | true | Compress;
  /** Which pages of other origins may call; the edge answers their preflights. */
  readonly cors?: "off" | false | Cors;
  /** HTML of your own for the edge's error answers, by status. */
  readonly errorPages?: Readonly<Record<string, ErrorPage>>;
  /** The form of the edge's own error answers: html, problem (RFC 9457), or auto by what the client accepts. Calls of gRPC always get gRPC's own. */
  readonly errors?: "auto" | "html" | "problem";
  /** Which of its own the edge sends to the service: set X-Forwarded-*, standard Forwarded (RFC 7239), both, or remove all; keep sends what the client sent (only behind another trusted proxy). */
  readonly forwarded?: "set" | "standard" | "both" | "remove" | "keep";
  /** The largest request head, in bytes, KB or MB; larger ones get 431. */
  readonly headMax?: string | number;
  /** Header fields that are set, defaulted and removed, in both directions; merged name by name, the nearest to the route wins. */
  readonly headers?: Headers;
  /** Whether a second endpoint is asked when the first is slow, for idempotent requests without a body. */
  readonly hedge?: "off" | false | Hedge;
  /** The public host names, without port; *.example.com takes every name below example.com. */
  readonly hosts: readonly string[];
  /** Whether browsers are told to come back by HTTPS only. */
  readonly hsts?: "off" | false | "on" | true | Hsts;
  /** How many requests a client address may send; others get 429. */
  readonly limit?: "off" | false | Limit;
  /** Whether each exchange is logged as one event. */
  readonly log?: "on" | "off" | true | false;
  /** Whether everybody but a few gets 503. */
  readonly maintenance?: "off" | false | "on" | true | Maintenance;
  /** The allowed methods, others get 405; empty: all but TRACE and CONNECT. */
  readonly methods?: readonly string[];
  /** The path that the service gets: the normal form that was matched, or raw as the client sent it if both match the same route. */
  readonly path?: "normal" | "raw";
  /** Which differences are accepted where the Entrypoint is compiled for another platform: none, if left out. */
  readonly portability?: Portability;
  /** Who is served first when a service is at its limit: critical, high, normal or low. */
  readonly priority?: "critical" | "high" | "normal" | "low" | Priority;
  /** The profile whose values are in force where nothing nearer says otherwise: website, if left out. */
  readonly profile?: string;
  /** What plain HTTP gets where the edge also serves HTTPS: a redirect to https, or off, the same as over HTTPS. */
  readonly redirect?: "https" | "off" | false;
  /** Single paths that have gone elsewhere, by the thousand. */
  readonly redirects?: Redirects;
  /** Whether X-Request-Id is set towards the service and on the response. */
  readonly requestID?: "on" | "off" | true | false;
  /** Whether another endpoint is asked when one fails, within the retryBudget of the Service. */
  readonly retry?: "off" | false | "on" | true | Retry;
  /** Matches and where they go; the most specific one takes a request. */
  readonly routes?: readonly Route[];
  /** Where requests go that no route takes: a URL, or the name of a Service. */
  readonly service?: string;
  /** How old a stream may get: an answer whose body still comes (events, gRPC, a long download) or a WebSocket is ended then; off: no limit. */
  readonly streamAge?: "off" | false | string;
  /** What a TLS handshake must have. */
  readonly tls?: Tls;
  /** Whether the service gets a W3C trace context, begun at the edge, and which share of exchanges become spans. */
  readonly trace?: "off" | false | "on" | true | Trace;
  /** The firewall (OWASP Core Rule Set): block, detect, off, or more of it; merged field by field, the nearest to the route wins. */
  readonly waf?: "block" | "detect" | "off" | false | Waf;
  /** Whether a connection may be upgraded to a WebSocket. */
  readonly websocket?: "on" | "off" | true | false;
}

/** A reusable bundle of policy that an Entrypoint names. */
export interface Profile {
  /** The largest request body, in bytes, KB, MB or GB, larger ones get 413; of gRPC calls over HTTP/2, which may send messages all day, the largest message; off: no limit. */
  readonly bodyMax?: "off" | false | string | number;
  /** What is stored of answers: private, standard, off, or more of it; merged field by field, the nearest to the route wins. */
  readonly cache?: "private" | "standard" | "off" | false | Cache;
  /** Whether the edge compresses answers. */
  readonly compress?: "off" | false | "on" | true | Compress;
  /** Which pages of other origins may call; the edge answers their preflights. */
  readonly cors?: "off" | false | Cors;
  /** HTML of your own for the edge's error answers, by status. */
  readonly errorPages?: Readonly<Record<string, ErrorPage>>;
  /** The form of the edge's own error answers: html, problem (RFC 9457), or auto by what the client accepts. Calls of gRPC always get gRPC's own. */
  readonly errors?: "auto" | "html" | "problem";
  /** The profile whose values this one starts from: the defaults, if left out. */
  readonly extends?: string;
  /** Which of its own the edge sends to the service: set X-Forwarded-*, standard Forwarded (RFC 7239), both, or remove all; keep sends what the client sent (only behind another trusted proxy). */
  readonly forwarded?: "set" | "standard" | "both" | "remove" | "keep";
  /** The largest request head, in bytes, KB or MB; larger ones get 431. */
  readonly headMax?: string | number;
  /** Header fields that are set, defaulted and removed, in both directions; merged name by name, the nearest to the route wins. */
  readonly headers?: Headers;
  /** Whether a second endpoint is asked when the first is slow, for idempotent requests without a body. */
  readonly hedge?: "off" | false | Hedge;
  /** Whether browsers are told to come back by HTTPS only. */
  readonly hsts?: "off" | false | "on" | true | Hsts;
  /** How many requests a client address may send; others get 429. */
  readonly limit?: "off" | false | Limit;
  /** Whether each exchange is logged as one event. */
  readonly log?: "on" | "off" | true | false;
  /** Whether everybody but a few gets 503. */
  readonly maintenance?: "off" | false | "on" | true | Maintenance;
  /** The allowed methods, others get 405; empty: all but TRACE and CONNECT. */
  readonly methods?: readonly string[];
  /** The path that the service gets: the normal form that was matched, or raw as the client sent it if both match the same route. */
  readonly path?: "normal" | "raw";
  /** Who is served first when a service is at its limit: critical, high, normal or low. */
  readonly priority?: "critical" | "high" | "normal" | "low" | Priority;
  /** What plain HTTP gets where the edge also serves HTTPS: a redirect to https, or off, the same as over HTTPS. */
  readonly redirect?: "https" | "off" | false;
  /** Whether X-Request-Id is set towards the service and on the response. */
  readonly requestID?: "on" | "off" | true | false;
  /** Whether another endpoint is asked when one fails, within the retryBudget of the Service. */
  readonly retry?: "off" | false | "on" | true | Retry;
  /** How old a stream may get: an answer whose body still comes (events, gRPC, a long download) or a WebSocket is ended then; off: no limit. */
  readonly streamAge?: "off" | false | string;
  /** What a TLS handshake must have. */
  readonly tls?: Tls;
  /** Whether the service gets a W3C trace context, begun at the edge, and which share of exchanges become spans. */
  readonly trace?: "off" | false | "on" | true | Trace;
  /** The firewall (OWASP Core Rule Set): block, detect, off, or more of it; merged field by field, the nearest to the route wins. */
  readonly waf?: "block" | "detect" | "off" | false | Waf;
  /** Whether a connection may be upgraded to a WebSocket. */
  readonly websocket?: "on" | "off" | true | false;
}

/** What stands behind the edge: endpoints with their health and waits, or a directory. */
export interface Service {
  /** What of it stands in AWS: its addresses are reached over the internet, if left out. */
  readonly aws?: AWSOrigin;
  /** How endpoints are chosen: roundRobin, leastRequests, powerOfTwo or maglev, or a mapping that says more. Default: {"by":"powerOfTwo","panic":0.5,"slowStart":"off","spill":100,"sticky":"off"}. */
  readonly balance?: "roundRobin" | "leastRequests" | "powerOfTwo" | "maglev" | Balance;
  /** Whether requests get 503 at once while the service fails as a whole. Default: "off". */
  readonly breaker?: "off" | false | "on" | true | Breaker;
  /** How many requests may be open at the service on each node. Default: "off". */
  readonly concurrency?: "off" | false | Concurrency;
  /** Files that the edge serves itself, instead of endpoints. */
  readonly directory?: Directory;
  /** How names of endpoints become addresses. Default: {"family":"auto","ttlMax":"5m","ttlMin":"1s"}. */
  readonly dns?: Dns;
  /** Whether an endpoint is left out for a while when exchanges with it fail. Default: {"failures":5,"share":0.5,"time":"30s"}. */
  readonly ejection?: "off" | false | "on" | true | Ejection;
  /** The addresses, each as scheme://host:port, or as a mapping with its weight and where it is. */
  readonly endpoints?: ReadonlyArray<string | Endpoint>;
  /** Active health checks: none, if left out. */
  readonly health?: Health;
  /** The Host that the service gets: preserve (the client's), endpoint (the address), or a name. Default: "preserve". */
  readonly host?: string;
  /** The connections to each endpoint. */
  readonly keepAlive?: KeepAlive;
  /** How the endpoints are spoken to: http1, or http2 as gRPC needs it, which https endpoints must choose by ALPN, and http endpoints know beforehand (h2c). Default: "http1". */
  readonly protocol?: "http1" | "http2";
  /** The PROXY header in front of each connection, which says who the client is: off, v1 or v2. The endpoints must expect it; a connection is then kept for its client alone. Default: "off". */
  readonly proxyProtocol?: "off" | false | "v1" | "v2";
  /** What bounds the tries beyond the first, so that an outage does not multiply the load. Default: {"perSecond":10,"share":0.2}. */
  readonly retryBudget?: RetryBudget;
  /** The longest waits. */
  readonly timeouts?: Timeouts;
  /** How https endpoints are spoken to: verified against the system's authorities, if left out. */
  readonly tls?: OriginTls;
}

/** A certificate of AWS Certificate Manager in us-east-1, and what it covers. */
export interface AWSCertificate {
  /** Its ARN. */
  readonly arn: string;
  /** The hosts that it covers; *.example.com for the names one level below example.com. */
  readonly hosts: readonly string[];
}

/** What has a price at AWS WAF. */
export interface AWSFirewall {
  /** How much of a body is looked at, in KB. Default: 16. */
  readonly bodyKB?: 16 | 32 | 48 | 64;
  /** The managed group of bot control: off, common, or targeted. Default: "off". */
  readonly bots?: "off" | false | "common" | "targeted";
}

/** Where logs go. */
export interface AWSLogs {
  /** The ARN of the bucket that gets the access logs of Entrypoints whose log is on: none are kept, if left out. */
  readonly bucket?: string;
  /** The ARN of the bucket, the Firehose stream or the log group that gets the logs of AWS WAF; its name begins with aws-waf-logs-. None are kept, if left out. */
  readonly waf?: string;
}

/** What of a Service stands in AWS, so that nobody but CloudFront reaches it. The edge itself makes no use of it. */
export interface AWSOrigin {
  /** The name of the bucket that has the files of the directory; with region. */
  readonly bucket?: string;
  /** The ARN of the Lambda function whose URL is the endpoint; with the alias, if the URL is that of one. */
  readonly function?: string;
  /** The ARN of the load balancer inside a VPC that the endpoints name. */
  readonly loadBalancer?: string;
  /** The region of the bucket. */
  readonly region?: string;
  /** The ARN of the secret that CloudFront sends in X-Origin-Secret, for endpoints that nothing else closes: one is made, if left out. */
  readonly secret?: string;
}

/** How endpoints are chosen: by an algorithm, among the nearest that are healthy. */
export interface Balance {
  /** The algorithm: roundRobin, leastRequests (the fewest open ones), powerOfTwo (the better of two taken at random), or maglev (consistent hashing). All heed weights. Default: "powerOfTwo". */
  readonly by?: "roundRobin" | "leastRequests" | "powerOfTwo" | "maglev";
  /** What maglev hashes: address, header NAME or cookie NAME; a request without it goes by its address. Default: "address". */
  readonly key?: string;
  /** The share of usable endpoints below which their health is ignored, so that the last few are not overrun; 0: never. Default: 0.5. */
  readonly panic?: number;
  /** How long an endpoint that has come or come back takes to get its whole share. Default: "off". */
  readonly slowStart?: "off" | false | string;
  /** How many open requests, for each unit of its weight, an endpoint has before a farther locality takes some. Default: 100. */
  readonly spill?: "off" | false | number;
  /** Whether a cookie of the edge keeps a client on its endpoint for as long as that is there. Default: "off". */
  readonly sticky?: "off" | false | Sticky;
}

/** Requests get 503 at once while a service fails as a whole, but for a few that find out whether it is back. */
export interface Breaker {
  /** How long it stays open until a few requests are let through. Default: "5s". */
  readonly open?: string;
  /** How many requests there must have been in the window. Default: 20. */
  readonly requests?: number;
  /** The share of failures that opens it, above 0. Default: 0.5. */
  readonly share?: number;
  /** The time over which failures are counted. Default: "10s". */
  readonly window?: string;
}

/** What is stored of answers (RFC 9111). What is left out is as the farther document says. */
export interface Cache {
  /** Cookies that say nothing of who asks; a trailing * stands for any ending, known/analytics and known/consent for those that are used for it everywhere. In mode private every other one makes a session. */
  readonly anonymousCookies?: readonly string[];
  /** How long a request waits for an answer that another one has asked for already; off: each asks the service. */
  readonly collapse?: "off" | false | string;
  /** What says who asks. It becomes part of the key, so that what one is answered no other gets; the probe holds the service to it with two identities. */
  readonly identity?: CacheIdentity;
  /** What tells answers apart, beside scheme, host, path and method. */
  readonly key?: CacheKey;
  /** Whose rules hold. private: only what says how long it is fresh, and nothing of requests with credentials, a session cookie or a client certificate. standard: what RFC 9111 lets a shared cache store, which knows neither cookies nor client certificates. off: nothing is stored. */
  readonly mode?: "private" | "standard" | "off" | false;
  /** The largest answer that is stored, in bytes, KB, MB or GB. */
  readonly objectMax?: string | number;
  /** Paths, with query, that are fetched at start, and again before they expire. */
  readonly prerender?: readonly string[];
  /** Asks the edge for the same as different people, to find what one must not see of another; a leak ends the caching of the route. */
  readonly probe?: CacheProbe;
  /** Whether Cache-Control of a request may ask for a newer answer: on in mode standard, off in private, if left out. no-store and only-if-cached always hold. */
  readonly requestDirectives?: "on" | "off" | true | false;
  /** How long answers may be given beyond their lifetime (RFC 5861). */
  readonly stale?: CacheStale;
  /** How long answers are fresh where that is not for them alone to say. */
  readonly ttl?: CacheTtl;
}

/** What says who asks. It becomes part of the key, so that what one is answered no other gets; the probe holds the service to it with two identities. */
export interface CacheIdentity {
  /** Cookies that say who asks: [session]. */
  readonly cookies?: readonly string[];
  /** Request fields that say who asks: [authorization]. */
  readonly headers?: readonly string[];
}

/** What tells answers apart, beside scheme, host, path and method. */
export interface CacheKey {
  /** Cookies whose value counts, and that therefore make no session: [currency]. */
  readonly cookies?: readonly string[];
  /** Request fields whose value counts. */
  readonly headers?: readonly string[];
  /** Parameters of the query that count, in their decoded form; []: none. All, if left out. Others do not reach the service when an answer is fetched for the cache. */
  readonly query?: readonly string[];
  /** Parameters that do not count; a trailing * stands for any ending, known/campaigns for those of advertising. In place of query, never beside it. */
  readonly queryExcept?: readonly string[];
}

/** Asks the edge for the same as different people, to find what one must not see of another; a leak ends the caching of the route. */
export interface CacheProbe {
  /** How often it asks. */
  readonly every?: string;
  /** Two people made up for it, or none: then a request without and one with a session are compared. Where there is an identity there must be two. */
  readonly identities?: readonly ProbeIdentity[] | readonly unknown[];
  /** Paths, with query, that it asks for. */
  readonly paths?: readonly string[];
}

/** How long answers may be given beyond their lifetime (RFC 5861). */
export interface CacheStale {
  /** How long it is given when the service fails; what it says itself (stale-if-error) wins. */
  readonly ifError?: "off" | false | string;
  /** How long an answer is given beyond its lifetime while a new one is fetched; what it says itself (stale-while-revalidate) wins. */
  readonly whileRevalidate?: "off" | false | string;
}

/** How long answers are fresh where that is not for them alone to say. */
export interface CacheTtl {
  /** How long an answer is fresh that says nothing of it; off: it is not stored. */
  readonly default?: "off" | false | string;
  /** The longest that any answer is fresh, whatever it says. */
  readonly max?: string;
  /** The same of answers with 404, 405, 410, 414 and 501; off: those are not stored. */
  readonly negative?: "off" | false | string;
}

/** What the edge compresses, with br, zstd or gzip. */
export interface Compress {
  /** Whether answers to requests with a cookie or Authorization are compressed even if they may hold what the client sent: only where nothing in them is secret (BREACH). Default: "off". */
  readonly identified?: "on" | "off" | true | false;
}

/** How many requests may be open at a service on each node; others wait, the higher classes before the lower, or get 503. */
export interface Concurrency {
  /** Whether the limit is found between min and max, from the service's latency. Default: "off". */
  readonly adaptive?: "on" | "off" | true | false;
  /** How many at most: 1000 with adaptive, if left out. */
  readonly max?: number;
  /** How low an adaptive limit may go: 4, or max if that is less, if left out. */
  readonly min?: number;
  /** How many may be open at one endpoint; another one takes what is beyond. Default: "off". */
  readonly perEndpoint?: "off" | false | number;
  /** How many requests may wait for a place; 0: none. Default: 100. */
  readonly queue?: number;
  /** How long one may wait. Default: "1s". */
  readonly queueTime?: string;
}

/** Which pages of other origins may call, answered by the edge (Fetch standard, section 3.2). */
export interface Cors {
  /** Whether they may send cookies and other credentials. Default: "off". */
  readonly credentials?: "on" | "off" | true | false;
  /** The response header fields that their scripts may read; "*" is any. Default: []. */
  readonly expose?: readonly string[];
  /** The request header fields that they may send beyond the safelisted ones; "*" is any. Default: []. */
  readonly headers?: readonly string[];
  /** How long a browser may keep the answer to a preflight, in whole seconds. Default: "10m". */
  readonly maxAge?: string;
  /** The methods that they may use. Default: ["GET","HEAD","POST"]. */
  readonly methods?: readonly string[];
  /** Origins of pages: https://app.example.com, https://*.example.com for every name below example.com, or "*" alone. */
  readonly origins: readonly string[];
}

/** Files that the edge serves itself. */
export interface Directory {
  /** The file that is served with 200 where there is none, for single-page applications: 404, if left out. */
  readonly fallback?: string;
  /** The file that the URL of a directory stands for. Default: "index.html". */
  readonly index?: string;
  /** The directory, below the one that --files names; . is that one. */
  readonly path: string;
}

/** How names of endpoints become addresses; each address is an endpoint of its own. */
export interface Dns {
  /** Which addresses are used: ipv4, ipv6, both, or auto (IPv4 if there is any, otherwise IPv6). Default: "auto". */
  readonly family?: "auto" | "ipv4" | "ipv6" | "both";
  /** How long it holds at most; names are asked for earlier when connections fail. Default: "5m". */
  readonly ttlMax?: string;
  /** How long an answer holds at least, whatever its TTL. Default: "1s". */
  readonly ttlMin?: string;
}

/** Edits in one direction; a name stands in one of them only. */
export interface Edits {
  /** Fields to set where there is none of the name: name and value. */
  readonly default?: Readonly<Record<string, string>>;
  /** Names of fields to remove. */
  readonly remove?: readonly string[];
  /** Fields to set: name and value; each replaces every field of its name. */
  readonly set?: Readonly<Record<string, string>>;
}

/** An endpoint is left out for a while when exchanges with it fail (outlier detection). */
export interface Ejection {
  /** How many in a row: no connection, no valid response in time, or a status of 500, 502, 503 or 504. Default: 5. */
  readonly failures?: number;
  /** The share of the endpoints that may be left out at once, from 0 to 1; an only endpoint never is. Default: 0.5. */
  readonly share?: number;
  /** How long it is left out, times the number of ejections in a row, five at most. Default: "30s". */
  readonly time?: string;
}

/** One address of a service, its share of the requests, and where it is. */
export interface Endpoint {
  /** The region it is in: a node in the same one asks it before those of other regions. */
  readonly region?: string;
  /** The address as scheme://host:port. */
  readonly url: string;
  /** Its share of the requests, relative to the other weights; 0 gets none. Default: 1. */
  readonly weight?: number;
  /** The zone of the region it is in: a node in the same one asks it first of all. */
  readonly zone?: string;
}

/** The HTML of one error answer; {request_id} in it stands for the id of the request. */
export interface ErrorPage {
  /** An .html file, by its path from the directory of this document. */
  readonly file?: string;
  /** The HTML itself. */
  readonly html?: string;
}

/** Rules that do not hold, for a target, a path or everywhere. */
export interface Exclusion {
  /** The methods of the requests: every one, if left out. */
  readonly methods?: readonly string[];
  /** A whole path, or /search/* for everything below /search/: every path, if left out. */
  readonly path?: string;
  /** Why, for those who read it later. */
  readonly reason?: string;
  /** The id of a rule, a range of ids (942100-942199), or a tag (tag:attack-sqli). */
  readonly rule: string | number;
  /** What the rules do not look at, as SecLang writes it: ARGS, ARGS:q or ARGS:/^q_/. Left out: the rules do not hold at all. */
  readonly target?: string;
}

/** Edits of header fields. */
export interface Headers {
  /** Edits of what the service gets. */
  readonly request?: Edits;
  /** Edits of what the client gets. */
  readonly response?: Edits;
}

/** Active health checks of every endpoint. */
export interface Health {
  /** How many good answers in a row bring an endpoint back. Default: 2. */
  readonly healthyAfter?: number;
  /** The Host of the check: the endpoint's, if left out. */
  readonly host?: string;
  /** The time between two checks of an endpoint. Default: "5s". */
  readonly interval?: string;
  /** The path to ask for. Default: "/". */
  readonly path?: string;
  /** The status codes that are good, as one or as a range. Default: "200-399". */
  readonly status?: string | number;
  /** The longest wait for an answer: no longer than the interval, if left out. Default: "2s". */
  readonly timeout?: string;
  /** How many bad answers in a row take an endpoint out. Default: 3. */
  readonly unhealthyAfter?: number;
}

/** A second endpoint is asked when the first is slow; the first answer to begin is passed on, the other one given up. */
export interface Hedge {
  /** How long the first endpoint has alone: about what 19 of 20 answers need, so that few requests are sent twice. */
  readonly after: string;
}

/** Strict-Transport-Security (RFC 6797): browsers come back by HTTPS only. */
export interface Hsts {
  /** Whether it holds for every name below the host as well, also those that this edge does not serve. Default: "off". */
  readonly includeSubDomains?: "on" | "off" | true | false;
  /** How long a browser remembers it, in whole seconds. Default: "365d". */
  readonly maxAge?: string;
  /** Whether browsers may ship the host in their own list; it takes months to leave it. Default: "off". */
  readonly preload?: "on" | "off" | true | false;
}

/** The connections to each endpoint, and how long they are kept. */
export interface KeepAlive {
  /** How old one may be to carry a new request: what has changed in the network or in DNS is noticed after it. Default: "1h". */
  readonly age?: string;
  /** How many may be open at once, idle or not, on each node. Default: "off". */
  readonly connections?: "off" | false | number;
  /** How long an idle one is kept; below what the service does, so that the edge closes first. Default: "55s". */
  readonly idle?: string;
  /** How many are kept idle; 0: none. Default: 256. */
  readonly max?: number;
  /** How many requests one may carry. Default: "off". */
  readonly requests?: "off" | false | number;
}

/** How many requests a client address may send; an IPv6 address counts by its /64. */
export interface Limit {
  /** How many may come at once: twice the count of the rate, if left out. */
  readonly burst?: number;
  /** Requests per second, minute or hour: 300/s; others get 429. */
  readonly perAddress: string;
}

/** Answer 503 to everybody but a few. */
export interface Maintenance {
  /** Client addresses and networks (CIDR) that are served all the same. Default: []. */
  readonly allow?: readonly string[];
  /** The Retry-After of the answer, in whole seconds. Default: "5m". */
  readonly retryAfter?: string;
}

/** Which requests a route takes; every condition must hold. */
export interface Match {
  /** Header fields and the exact value of each; "*" is any value. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The methods: any, if left out. */
  readonly methods?: readonly string[];
  /** The whole path; {name} stands for exactly one segment. */
  readonly path?: string;
  /** The beginning of the path, by whole segments: /a takes /a, /a/ and /a/b, not /ab. */
  readonly prefix?: string;
  /** Query parameters and the exact value of each; "*" is any value. */
  readonly query?: Readonly<Record<string, string>>;
}

/** What a document is and whose. */
export interface Metadata {
  /** Accepted because Kubernetes writes them; they have no effect. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Labels of your own, for finding and grouping. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The name, unique among the documents of its kind. */
  readonly name: string;
  /** Accepted because Kubernetes writes it; it has no effect. */
  readonly namespace?: string;
  /** The team that answers for it. */
  readonly owner?: string;
}

/** A copy of a share of a route's requests for another service, cookies and credentials included. Clients see nothing of it. */
export interface Mirror {
  /** The largest request body that is copied, in bytes, KB or MB; requests with a larger one are not mirrored. Default: "64KB". */
  readonly bodyMax?: string | number;
  /** The service that gets the copies: a URL, or the name of a Service. */
  readonly service: string;
  /** The share of the requests, from 0 to 1. Default: 1. */
  readonly share?: number;
}

/** One path that has gone elsewhere. */
export interface MovedPath {
  /** The whole path, in normal form. */
  readonly from: string;
  /** The status code: that of the redirects, if left out. */
  readonly status?: 301 | 302 | 303 | 307 | 308;
  /** A URL or an absolute path; the query of a request is appended if it has none itself. */
  readonly to: string;
}

/** How https endpoints are spoken to; their certificates are always verified. */
export interface OriginTls {
  /** The authorities (PEM) that the certificate must come from, file:NAME below --secrets or env:SKERRY_SECRET_NAME: those of the system, if left out. */
  readonly ca?: string;
  /** The certificate that the edge shows (PEM), leaf first, by reference: none, if left out. */
  readonly certificate?: string;
  /** Its private key (PEM), by reference as well. */
  readonly key?: string;
  /** The lowest version of TLS. Default: "1.2". */
  readonly minVersion?: "1.2" | 1.2 | "1.3" | 1.3;
  /** The name that is asked for (SNI) and that the certificate must have: that of `host`, or else the endpoint's, if left out. */
  readonly serverName?: string;
}

/** What of a difference between platforms is accepted; the edge itself has none. */
export interface Portability {
  /** Ids of differences that are accepted, as `skerry aws lint` prints them. */
  readonly allow: readonly string[];
}

/** Who is served first when a service is at its limit: critical before high, normal and low. */
export interface Priority {
  /** The class of the requests. Default: "normal". */
  readonly class?: "critical" | "high" | "normal" | "low";
  /** The class of those whose User-Agent says that they are a crawler's. Default: "low". */
  readonly crawlers?: "critical" | "high" | "normal" | "low";
}

/** Somebody made up for the probe. */
export interface ProbeIdentity {
  /** The request field that says who it is: one of identity.headers, or Cookie. */
  readonly header: string;
  /** Text that stands in no answer but those to this identity, such as its address of e-mail: none is looked for, if left out. */
  readonly marker?: string;
  /** Its value, of Cookie name=value: file:NAME below --secrets, or env:SKERRY_SECRET_NAME. */
  readonly value: string;
}

/** An answer that sends the client elsewhere. */
export interface Redirect {
  /** The status code. Default: 308. */
  readonly status?: 301 | 302 | 303 | 307 | 308;
  /** A URL or an absolute path; {path} and {query} stand for those of the request, {name} for a segment of the match. */
  readonly to: string;
}

/** Single paths that have gone elsewhere; they win over every route. */
export interface Redirects {
  /** A .csv file, by its path from the directory of this document: from,to or from,to,status in each line. */
  readonly file?: string;
  /** The redirects themselves, beside those of the file. */
  readonly list?: readonly MovedPath[];
  /** The status code of those that name none. Default: 308. */
  readonly status?: 301 | 302 | 303 | 307 | 308;
}

/** A fixed response. */
export interface Respond {
  /** The body, as text. */
  readonly body?: string;
  /** The Content-Type: text/plain; charset=utf-8, if left out and there is a body. */
  readonly contentType?: string;
  /** The status code. Default: 200. */
  readonly status?: number;
}

/** When another endpoint is asked, as far as a request may be sent again at all (RFC 9110 section 9.2.2). */
export interface Retry {
  /** Whether a POST or PATCH with an Idempotency-Key may be sent again as a PUT may: only if every service of the route heeds the key. Default: "off". */
  readonly idempotencyKey?: "on" | "off" | true | false;
  /** The answers after which another endpoint is asked, for safe methods: of 429, 500, 502, 503 and 504. Empty: every answer is passed on. Default: [502,503]. */
  readonly statuses?: ReadonlyArray<429 | 500 | 502 | 503 | 504>;
  /** How many endpoints are asked at most, the first included; none is asked twice. Default: 3. */
  readonly tries?: number;
}

/** How many tries beyond the first all requests to a service may have together, on each node. */
export interface RetryBudget {
  /** So many a second may always be made: where requests are few, a share of them would be none. Default: 10. */
  readonly perSecond?: number;
  /** Their share of the requests, from 0 to 1. Default: 0.2. */
  readonly share?: number;
}

/** What the service gets instead of what the client sent; Location of its answers is mapped back. */
export interface Rewrite {
  /** The Host that the service gets. */
  readonly host?: string;
  /** The whole path that the service gets; {name} stands for a segment of the match. */
  readonly path?: string;
  /** What stands in place of the prefix of the match: / strips it. */
  readonly prefix?: string;
}

/** One match and where it goes: to exactly one of service, services, redirect and respond. */
export interface Route {
  /** The largest request body, in bytes, KB, MB or GB, larger ones get 413; of gRPC calls over HTTP/2, which may send messages all day, the largest message; off: no limit. */
  readonly bodyMax?: "off" | false | string | number;
  /** What is stored of answers: private, standard, off, or more of it; merged field by field, the nearest to the route wins. */
  readonly cache?: "private" | "standard" | "off" | false | Cache;
  /** Whether the edge compresses answers. */
  readonly compress?: "off" | false | "on" | true | Compress;
  /** Which pages of other origins may call; the edge answers their preflights. */
  readonly cors?: "off" | false | Cors;
  /** HTML of your own for the edge's error answers, by status. */
  readonly errorPages?: Readonly<Record<string, ErrorPage>>;
  /** The form of the edge's own error answers: html, problem (RFC 9457), or auto by what the client accepts. Calls of gRPC always get gRPC's own. */
  readonly errors?: "auto" | "html" | "problem";
  /** Which of its own the edge sends to the service: set X-Forwarded-*, standard Forwarded (RFC 7239), both, or remove all; keep sends what the client sent (only behind another trusted proxy). */
  readonly forwarded?: "set" | "standard" | "both" | "remove" | "keep";
  /** The largest request head, in bytes, KB or MB; larger ones get 431. */
  readonly headMax?: string | number;
  /** Header fields that are set, defaulted and removed, in both directions; merged name by name, the nearest to the route wins. */
  readonly headers?: Headers;
  /** Whether a second endpoint is asked when the first is slow, for idempotent requests without a body. */
  readonly hedge?: "off" | false | Hedge;
  /** How many requests a client address may send; others get 429. */
  readonly limit?: "off" | false | Limit;
  /** Whether each exchange is logged as one event. */
  readonly log?: "on" | "off" | true | false;
  /** Whether everybody but a few gets 503. */
  readonly maintenance?: "off" | false | "on" | true | Maintenance;
  /** Which requests the route takes: all, if left out. */
  readonly match?: Match;
  /** The allowed methods, others get 405; empty: all but TRACE and CONNECT. */
  readonly methods?: readonly string[];
  /** Send a copy of a share of them to another service as well, whose answers are thrown away: none, if left out. */
  readonly mirror?: Mirror;
  /** The name in logs and metrics, unique in the Entrypoint: route-1 for the first, and so on, if left out. */
  readonly name?: string;
  /** The path that the service gets: the normal form that was matched, or raw as the client sent it if both match the same route. */
  readonly path?: "normal" | "raw";
  /** Who is served first when a service is at its limit: critical, high, normal or low. */
  readonly priority?: "critical" | "high" | "normal" | "low" | Priority;
  /** Answer them with a redirect. */
  readonly redirect?: Redirect;
  /** Whether X-Request-Id is set towards the service and on the response. */
  readonly requestID?: "on" | "off" | true | false;
  /** Answer them with a fixed response. */
  readonly respond?: Respond;
  /** Whether another endpoint is asked when one fails, within the retryBudget of the Service. */
  readonly retry?: "off" | false | "on" | true | Retry;
  /** What the service gets instead of what the client sent: nothing else, if left out. */
  readonly rewrite?: Rewrite;
  /** Send them to a service: a URL, or the name of a Service. */
  readonly service?: string;
  /** Share them among several services by weight; a client stays with its service. */
  readonly services?: readonly WeightedService[];
  /** How old a stream may get: an answer whose body still comes (events, gRPC, a long download) or a WebSocket is ended then; off: no limit. */
  readonly streamAge?: "off" | false | string;
  /** Whether the service gets a W3C trace context, begun at the edge, and which share of exchanges become spans. */
  readonly trace?: "off" | false | "on" | true | Trace;
  /** The firewall (OWASP Core Rule Set): block, detect, off, or more of it; merged field by field, the nearest to the route wins. */
  readonly waf?: "block" | "detect" | "off" | false | WafOfARoute;
  /** Whether a connection may be upgraded to a WebSocket. */
  readonly websocket?: "on" | "off" | true | false;
}

/** SecLang, or the phrases that it names. */
export interface RuleFile {
  /** A .conf file of SecLang or a .data file of phrases, by its path from the directory of this document. */
  readonly file: string;
  /** What is in it; there need not be such a file then. */
  readonly text?: string;
}

/** A cookie of the edge keeps a client on its endpoint; when that is gone, another one is chosen. */
export interface Sticky {
  /** The name of the cookie. */
  readonly cookie: string;
  /** How long browsers keep it, in whole seconds: until they close, if left out. */
  readonly maxAge?: string;
}

/** The longest waits on a service. */
export interface Timeouts {
  /** For a connection, its TLS handshake included: no longer than try and whole, if left out. Default: "2s". */
  readonly connect?: string;
  /** From the end of the request to the first byte of the response. Default: "30s". */
  readonly firstByte?: string;
  /** Between two reads or writes of a body. Default: "1m". */
  readonly idle?: string;
  /** For one try, from its beginning to the head of the response; then another endpoint may be asked, see retry. Default: "off". */
  readonly try?: "off" | false | string;
  /** From the arrival of a request to the last byte of its response, all tries and waits included; not for WebSockets. Default: "off". */
  readonly whole?: "off" | false | string;
}

/** What a TLS handshake for a host of the entrypoint must have. */
export interface Tls {
  /** The certificates (PEM) that client certificates are checked against: file:NAME below --secrets, or env:SKERRY_SECRET_NAME. */
  readonly clientCA?: string;
  /** The revocation lists (PEM or DER) of all authorities in clientCA, by reference as well; who is on one, or whose list is out of date, is refused. */
  readonly clientCRL?: string;
  /** Whether a client must show a certificate; optional: it is checked if there is one. Default: "off". */
  readonly clientCertificates?: "off" | false | "optional" | "required";
  /** The key exchanges that are taken, whatever their order: all, the hybrid post-quantum ones preferred, if left out. */
  readonly curves?: ReadonlyArray<"X25519MLKEM768" | "SecP256r1MLKEM768" | "SecP384r1MLKEM1024" | "X25519" | "P-256" | "P-384" | "P-521">;
  /** What a service learns of the client's certificate (RFC 9440): nothing, if left out; leaf: Client-Cert; chain: Client-Cert-Chain too. What clients say in these fields is removed in any case. */
  readonly forwardClientCertificate?: "off" | false | "leaf" | "chain";
  /** The lowest version of TLS. Default: "1.2". */
  readonly minVersion?: "1.2" | 1.2 | "1.3" | 1.3;
}

/** W3C trace context, and how many exchanges become spans. */
export interface Trace {
  /** The share of exchanges that are exported as spans, from 0 to 1. Default: 0.01. */
  readonly sample?: number;
}

/** The firewall: the OWASP Core Rule Set. What is left out is as the farther document says. */
export interface Waf {
  /** The policy lists of the Core Rule Set: what passes. */
  readonly allow?: WafAllow;
  /** How many values query and body may have together; more get 400. */
  readonly argumentsMax?: number;
  /** The largest body that is held and inspected, in bytes, KB or MB; never above bodyMax. Larger ones get 413. */
  readonly bodyBytesMax?: string | number;
  /** The processor time that one request may cost the firewall; dearer ones get 403. */
  readonly cpuMax?: string;
  /** What runs the rules: compiled, or reference, one rule after another at many times the cost, for debugging. Both give the same verdicts. */
  readonly engine?: "compiled" | "reference";
  /** Rules that do not hold, for a target, a path or everywhere; replaces the list of a farther document. */
  readonly exclude?: readonly Exclusion[];
  /** Whether the log event also has the messages of the rules and the values that matched, which may be personal or secret. */
  readonly logValues?: "on" | "off" | true | false;
  /** What a verdict does: block refuses with 403, detect logs and lets pass, off runs no rule. */
  readonly mode?: "block" | "detect" | "off" | false;
  /** What a request beyond one of these limits gets: refuse, or pass, judged by what was inspected. */
  readonly onLimit?: "refuse" | "pass";
  /** The paranoia level of the Core Rule Set: each one above 1 has more rules, and more false positives. */
  readonly paranoia?: number;
  /** The anomaly score from which on a response is refused; an error match counts 4. */
  readonly responseThreshold?: number;
  /** Whether responses are held, up to bodyBytesMax, and judged too; streams are delayed by it. */
  readonly responses?: "on" | "off" | true | false;
  /** Files of SecLang (.conf) and of the phrases that they name (.data), by their paths from the directory of this document; loaded before the Core Rule Set. */
  readonly rules?: ReadonlyArray<string | RuleFile>;
  /** The share of requests, from 0 to 1, that the reference engine judges as well, beside the traffic; a difference is an alarm. */
  readonly shadow?: number;
  /** The anomaly score from which on a request is refused; a critical match counts 5. */
  readonly threshold?: number;
}

/** What passes that the Core Rule Set would refuse otherwise; each list replaces that of a farther document. */
export interface WafAllow {
  /** The charsets that a Content-Type may name. */
  readonly charsets?: readonly string[];
  /** The types of request bodies; a * may stand in the second half: application/*+json. One that the firewall cannot parse passes uninspected but for the head. */
  readonly contentTypes?: readonly string[];
  /** Extensions of paths that pass though the Core Rule Set restricts them: [.csv, .sql]. */
  readonly extensions?: readonly string[];
  /** Names of header fields that pass though the Core Rule Set restricts them: [content-range]. */
  readonly headers?: readonly string[];
  /** The methods; those of the policy `methods` where that names any. Others get 403. */
  readonly methods?: readonly string[];
}

/** The firewall on one route. What is left out is as the Entrypoint says. */
export interface WafOfARoute {
  /** The policy lists of the Core Rule Set: what passes. */
  readonly allow?: WafAllow;
  /** How many values query and body may have together; more get 400. */
  readonly argumentsMax?: number;
  /** The largest body that is held and inspected, in bytes, KB or MB; never above bodyMax. Larger ones get 413. */
  readonly bodyBytesMax?: string | number;
  /** The processor time that one request may cost the firewall; dearer ones get 403. */
  readonly cpuMax?: string;
  /** What runs the rules: compiled, or reference, one rule after another at many times the cost, for debugging. Both give the same verdicts. */
  readonly engine?: "compiled" | "reference";
  /** Rules that do not hold, for a target, a path or everywhere; replaces the list of a farther document. */
  readonly exclude?: readonly Exclusion[];
  /** Whether the log event also has the messages of the rules and the values that matched, which may be personal or secret. */
  readonly logValues?: "on" | "off" | true | false;
  /** What a verdict does: block refuses with 403, detect logs and lets pass, off runs no rule. */
  readonly mode?: "block" | "detect" | "off" | false;
  /** What a request beyond one of these limits gets: refuse, or pass, judged by what was inspected. */
  readonly onLimit?: "refuse" | "pass";
  /** The paranoia level of the Core Rule Set: each one above 1 has more rules, and more false positives. */
  readonly paranoia?: number;
  /** The anomaly score from which on a response is refused; an error match counts 4. */
  readonly responseThreshold?: number;
  /** Whether responses are held, up to bodyBytesMax, and judged too; streams are delayed by it. */
  readonly responses?: "on" | "off" | true | false;
  /** The share of requests, from 0 to 1, that the reference engine judges as well, beside the traffic; a difference is an alarm. */
  readonly shadow?: number;
  /** The anomaly score from which on a request is refused; a critical match counts 5. */
  readonly threshold?: number;
}

/** A service and its share. */
export interface WeightedService {
  /** A URL, or the name of a Service. */
  readonly service: string;
  /** Its share of the clients, relative to the other weights; 0 gets nothing. */
  readonly weight: number;
}

/** One document of a spec. */
export type Document =
  | { readonly apiVersion: "skerry.dev/v1"; readonly kind: "Entrypoint"; readonly metadata: Metadata; readonly spec: Entrypoint }
  | { readonly apiVersion: "skerry.dev/v1"; readonly kind: "Service"; readonly metadata: Metadata; readonly spec: Service }
  | { readonly apiVersion: "skerry.dev/v1"; readonly kind: "Profile"; readonly metadata: Metadata; readonly spec: Profile }
  | { readonly apiVersion: "skerry.dev/v1"; readonly kind: "Certificate"; readonly metadata: Metadata; readonly spec: Certificate }
  | { readonly apiVersion: "skerry.dev/v1"; readonly kind: "AWS"; readonly metadata: Metadata; readonly spec: AWS };
